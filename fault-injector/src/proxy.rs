//! Stands between clients and a server and keeps what the clients send.
//!
//! 1. Each client's connection is passed on to the server, both ways.
//! 2. What the client sends is kept, per connection, in the order in which they were opened.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use crate::failure::{Failure, Result};

/// Most bytes kept of one connection.
pub const STREAM_BYTES_MAX: usize = 64 << 20;
const BUFFER_BYTES: usize = 64 << 10;

/// Passes `connections` connections to `listen` on to `to`; returns what each client sent.
pub fn record(listen: &str, to: &str, connections: usize) -> Result<Vec<Vec<u8>>> {
    let listener = TcpListener::bind(listen)
        .map_err(|error| failed(&format!("to listen on {listen}"), &error))?;
    let address = listener
        .local_addr()
        .map_err(|error| failed("an address", &error))?;
    eprintln!("recording {connections} connections to {address}");
    pass(&listener, to, connections)
}

/// Passes connections on.
pub fn pass(listener: &TcpListener, to: &str, connections: usize) -> Result<Vec<Vec<u8>>> {
    let passing: Vec<JoinHandle<io::Result<Vec<u8>>>> = (0..connections)
        .map(|_| {
            let (client, _) = listener
                .accept()
                .map_err(|error| failed("a client", &error))?;
            let server = TcpStream::connect(to)
                .map_err(|error| failed(&format!("a server at {to}"), &error))?;
            Ok(thread::spawn(move || pass_one(client, server)))
        })
        .collect::<Result<_>>()?;
    passing
        .into_iter()
        .map(|thread| {
            let kept = thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            kept.map_err(|error| failed("to pass a connection on", &error))
        })
        .collect()
}

fn pass_one(mut client: TcpStream, mut server: TcpStream) -> io::Result<Vec<u8>> {
    let (mut from_server, mut to_client) = (server.try_clone()?, client.try_clone()?);
    let answers = thread::spawn(move || {
        // The client may leave before the last answer.
        let _ = io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let mut kept = Vec::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match client.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(length) => {
                let room = STREAM_BYTES_MAX - kept.len();
                kept.extend_from_slice(&buffer[..length.min(room)]);
                server.write_all(&buffer[..length])?;
            }
        }
    }
    let _ = server.shutdown(Shutdown::Write);
    let _ = answers.join();
    Ok(kept)
}

fn failed(wanted: &str, error: &io::Error) -> Failure {
    Failure::new(
        wanted,
        error.to_string(),
        "check the addresses given with --listen and --to, and that the server is running",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_get_what_the_other_sends() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = server.local_addr().unwrap().to_string();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let echo = thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            let mut bytes = [0; 5];
            stream.read_exact(&mut bytes).unwrap();
            bytes.reverse();
            stream.write_all(&bytes).unwrap();
        });
        let client = thread::spawn(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(b"get a").unwrap();
            let mut bytes = [0; 5];
            stream.read_exact(&mut bytes).unwrap();
            bytes
        });
        assert_eq!(pass(&listener, &to, 1).unwrap(), [b"get a".to_vec()]);
        assert_eq!(&client.join().unwrap(), b"a teg");
        echo.join().unwrap();
    }
}
