//! Unix sockets, UDP, idle connections, the end of the server.

use std::io::{Read, Write};
use std::net::{Shutdown, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::running_server::{BINARY, PATIENCE, RunningServer};

/// A server that does not listen on TCP; ends with the test.
struct Quiet(Child);

impl Drop for Quiet {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_unix_socket_has_the_permissions_that_were_asked_for() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("socket");
    let _server = Quiet(
        Command::new(BINARY)
            .args(["-u", "root", "-a", "770", "-s"])
            .arg(&path)
            .stdin(Stdio::null())
            .spawn()
            .expect("the server starts"),
    );
    let deadline = Instant::now() + PATIENCE;
    let mut stream = loop {
        if let Ok(stream) = UnixStream::connect(&path) {
            break stream;
        }
        assert!(
            Instant::now() < deadline,
            "the server did not listen in {PATIENCE:?}"
        );
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    let mode = std::fs::metadata(&path)
        .expect("the socket")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o770);
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
        .write_all(b"set a 0 0 1\r\nx\r\nget a\r\n")
        .expect("sent");
    stream.shutdown(Shutdown::Write).expect("the end");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("a reply");
    assert_eq!(reply, "STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
}

#[test]
fn datagrams_are_answered_in_numbered_parts() {
    let port = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let port = port.expect("a free port").port();
    let server = RunningServer::start_with_udp(port);
    let value = "v".repeat(3000);
    server
        .connect()
        .ask(format!("set a 0 0 3000\r\n{value}\r\n"), "STORED\r\n");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let ask = |header: [u8; 8], request: &[u8]| {
        let datagram = [&header[..], request].concat();
        socket
            .send_to(&datagram, ("127.0.0.1", port))
            .expect("sent");
    };
    let receive = || {
        let mut datagram = [0; 2000];
        let length = socket.recv(&mut datagram).expect("a reply");
        datagram[..length].to_vec()
    };
    ask([0x12, 0x34, 0, 0, 0, 1, 0, 0], b"get a\r\n");
    let mut reply: Vec<u8> = Vec::new();
    for number in 0..3 {
        let part = receive();
        assert_eq!(part[..8], [0x12, 0x34, 0, number, 0, 3, 0, 0]);
        reply.extend(&part[8..]);
    }
    assert_eq!(
        reply,
        format!("VALUE a 0 3000\r\n{value}\r\nEND\r\n").into_bytes()
    );
    ask([0, 1, 0, 0, 0, 2, 0, 0], b"get a\r\n");
    assert_eq!(
        receive()[8..],
        *b"SERVER_ERROR multi-packet request not supported\r\n"
    );
}

#[test]
fn idle_connections_are_closed_and_busy_ones_are_not() {
    let server = RunningServer::start(&["-o", "idle_timeout=2"]);
    let (mut idle, mut busy) = (server.connect(), server.connect());
    idle.ask("version\r\n", "VERSION 1.6.18-asc\r\n");
    let deadline = Instant::now() + PATIENCE;
    while busy.statistic("", "idle_kicks") == 0 {
        assert!(
            Instant::now() < deadline,
            "nobody was kicked in {PATIENCE:?}"
        );
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    idle.expect_close();
    busy.ask("version\r\n", "VERSION 1.6.18-asc\r\n");
}

#[test]
fn shutdown_is_a_command_where_it_is_allowed() {
    let server = RunningServer::start(&[]);
    server
        .connect()
        .ask("shutdown\r\n", "ERROR: shutdown not enabled\r\n");
    for command in ["shutdown\r\n", "shutdown graceful\r\n"] {
        let mut server = RunningServer::start(&["-A"]);
        let mut client = server.connect();
        client.ask("shutdown now\r\n", "CLIENT_ERROR invalid shutdown mode\r\n");
        client.send(command);
        assert!(server.wait().success());
    }
}
