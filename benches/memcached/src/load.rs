//! The load generator: one thread, one event loop, many connections.
//!
//! Each connection sends an exchange, waits for exactly as many bytes as the reply has, and sends
//! the next. The end of every reply is looked at, and every so often all of it.

mod client;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::{Events, Interest, Poll, Token};

use crate::failure::Failure;
use crate::workload::Workload;
use client::Client;

/// Longest latency told apart, in nanoseconds.
const LATENCY_MAX: u64 = 60_000_000_000;
const LATENCY_DIGITS: u8 = 3;
const EVENTS_MAX: usize = 256;
/// How long all connections may be silent.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the generator waits for replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// It asks again and again: for a generator with a processor of its own.
    Polling,
    /// It sleeps.
    Sleeping,
}

/// What was exchanged.
#[derive(Debug)]
pub(crate) struct Exchanged {
    /// Keys read and written.
    pub(crate) operations: u64,
    pub(crate) seconds: f64,
    /// From sending an exchange to the last byte of its reply, in nanoseconds.
    pub(crate) latency: Histogram<u64>,
}

/// An empty histogram of latencies.
pub(crate) fn latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX, LATENCY_DIGITS).expect("the bounds are constant")
}

/// Drives the server for `window`; then waits for the replies that are to come.
pub(crate) fn drive(
    address: SocketAddr,
    workload: &Workload,
    connections: u16,
    window: Duration,
    waiting: Waiting,
) -> Result<Exchanged, Failure> {
    let mut poll = Poll::new()?;
    let mut clients = (0..usize::from(connections))
        .map(|number| {
            let mut client = Client::connect(address, workload, number)?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            let registry = poll.registry();
            registry.register(client.stream_mut(), Token(number), interest)?;
            Ok(client)
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let start = Instant::now();
    let mut run = Run {
        workload,
        deadline: start + window,
        active: clients.len(),
        operations: 0,
        latency: latencies(),
    };
    for client in &mut clients {
        client.begin(workload, start)?;
    }
    run.serve(&mut poll, &mut clients, waiting)?;
    Ok(Exchanged {
        operations: run.operations,
        seconds: start.elapsed().as_secs_f64(),
        latency: run.latency,
    })
}

/// The state of the event loop.
struct Run<'a> {
    workload: &'a Workload,
    deadline: Instant,
    /// Connections with a reply to come.
    active: usize,
    operations: u64,
    latency: Histogram<u64>,
}

impl Run<'_> {
    fn serve(
        &mut self,
        poll: &mut Poll,
        clients: &mut [Client],
        waiting: Waiting,
    ) -> Result<(), Failure> {
        let timeout = match waiting {
            Waiting::Polling => Duration::ZERO,
            Waiting::Sleeping => PATIENCE,
        };
        let mut events = Events::with_capacity(EVENTS_MAX);
        let mut heard_at = Instant::now();
        while self.active > 0 {
            poll.poll(&mut events, Some(timeout))?;
            if !events.is_empty() {
                heard_at = Instant::now();
            } else if heard_at.elapsed() >= PATIENCE {
                return Err(Failure::new(
                    format!("hear from {} connections", self.active),
                    format!("nothing for {PATIENCE:?}"),
                    "look whether the server still runs and what it waits for",
                ));
            }
            for event in &events {
                self.advance(&mut clients[event.token().0])?;
            }
        }
        Ok(())
    }

    /// Sends and receives on one connection as far as it goes.
    fn advance(&mut self, client: &mut Client) -> Result<(), Failure> {
        let Some(started) = client.advance(self.workload)? else {
            return Ok(());
        };
        let now = Instant::now();
        let nanoseconds = u64::try_from((now - started).as_nanos()).unwrap_or(LATENCY_MAX);
        self.latency.saturating_record(nanoseconds);
        self.operations += client.operations(self.workload);
        if now < self.deadline {
            client.next(self.workload, now)?;
        } else {
            client.finish();
            self.active -= 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Pattern;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    /// Stores, and says `reply` to everything else; without one it hangs up.
    fn answer(mut stream: std::net::TcpStream, reply: &[u8]) {
        let mut bytes = [0; 4096];
        while let Ok(1..) = stream.read(&mut bytes) {
            let stores = bytes.starts_with(b"set");
            let reply = if stores { b"STORED\r\n" } else { reply };
            if reply.is_empty() || stream.write_all(reply).is_err() {
                break;
            }
        }
    }

    /// Drives a server that answers so.
    fn drive_server_that_says(reply: &'static [u8]) -> Result<Exchanged, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            answer(listener.accept().unwrap().0, reply);
        });
        let workload = Workload::new(Pattern::Unpipelined, 1, 1);
        // Until the first failure.
        let window = Duration::from_secs(60);
        let exchanged = drive(address, &workload, 1, window, Waiting::Sleeping);
        server.join().unwrap();
        exchanged
    }

    #[test]
    fn a_reply_that_is_too_long_is_refused() {
        let long = b"VALUE key:000000000000 0 1\r\n0\r\nEND\r\n+";
        let failure = drive_server_that_says(long).unwrap_err().to_string();
        assert!(failure.contains("more bytes than"), "{failure}");
    }

    #[test]
    fn a_reply_of_the_right_length_with_a_wrong_end_is_refused() {
        let wrong = b"VALUE key:000000000000 0 1\r\n0\r\nEND\r!";
        let failure = drive_server_that_says(wrong).unwrap_err().to_string();
        assert!(failure.contains("END\\r!"), "{failure}");
    }

    #[test]
    fn a_wrong_value_is_refused() {
        let wrong = b"VALUE key:000000000000 0 1\r\n1\r\nEND\r\n";
        let failure = drive_server_that_says(wrong).unwrap_err().to_string();
        assert!(failure.contains("\\n1\\r"), "{failure}");
    }

    #[test]
    fn a_connection_that_ends_is_a_failure() {
        assert!(drive_server_that_says(b"").is_err());
    }

    #[test]
    fn exchanges_are_counted_and_timed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            for stream in listener.incoming().take(2) {
                answer(
                    stream.unwrap(),
                    b"VALUE key:000000000000 0 1\r\n0\r\nEND\r\n",
                );
            }
        });
        let workload = Workload::new(Pattern::Unpipelined, 1, 1);
        for waiting in [Waiting::Polling, Waiting::Sleeping] {
            let window = Duration::from_millis(20);
            let exchanged = drive(address, &workload, 1, window, waiting).unwrap();
            assert!(exchanged.operations > 0);
            assert_eq!(exchanged.latency.len(), exchanged.operations);
            assert!(exchanged.seconds >= window.as_secs_f64());
        }
        server.join().unwrap();
    }
}
