//! The checking clients: they ask what the script says and compare every byte of every reply.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};

use super::script::{Exchange, Reply};

const BUFFER_BYTES: usize = 16 << 10;

/// What one connection saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// All replies were right.
    Right,
    /// A reply was not what it must be.
    Wrong(String),
    /// The connection ended before all replies had come; what came was right.
    Closed,
}

/// Clients at work.
#[derive(Debug)]
pub struct Load {
    replies: Arc<AtomicU64>,
    clients: Vec<JoinHandle<Finding>>,
    findings: Vec<Finding>,
}

impl Load {
    /// Starts one client for each list of exchanges. Right replies are counted in `replies`.
    pub fn start(
        address: SocketAddr,
        connections: &[Vec<Exchange>],
        replies: &Arc<AtomicU64>,
    ) -> Self {
        let clients = connections
            .iter()
            .map(|exchanges| {
                let (exchanges, replies) = (exchanges.clone(), Arc::clone(replies));
                thread::spawn(move || converse(address, &exchanges, &replies))
            })
            .collect();
        Self {
            replies: Arc::clone(replies),
            clients,
            findings: Vec::new(),
        }
    }

    /// Right replies so far.
    pub fn replies(&self) -> u64 {
        self.replies.load(Relaxed)
    }

    /// Takes note of clients that have finished; says whether all have.
    pub fn is_over(&mut self) -> bool {
        let (finished, working) = std::mem::take(&mut self.clients)
            .into_iter()
            .partition(JoinHandle::is_finished);
        self.clients = working;
        self.findings.extend(finished.into_iter().map(join));
        self.clients.is_empty()
    }

    /// The first wrong reply that was found so far.
    pub fn wrong(&self) -> Option<&str> {
        self.findings.iter().find_map(|finding| match finding {
            Finding::Wrong(detail) => Some(detail.as_str()),
            _ => None,
        })
    }

    /// Whether a connection ended early.
    pub fn closed(&self) -> bool {
        self.findings.contains(&Finding::Closed)
    }

    /// Waits for all clients. The server must be at its end, or done with them.
    pub fn finish(&mut self) {
        let clients = std::mem::take(&mut self.clients);
        self.findings.extend(clients.into_iter().map(join));
    }
}

fn join(client: JoinHandle<Finding>) -> Finding {
    client
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// A server that ends closes its connections, so that no read here waits for ever.
fn converse(address: SocketAddr, exchanges: &[Exchange], replies: &AtomicU64) -> Finding {
    let Ok(stream) = TcpStream::connect(address) else {
        return Finding::Closed;
    };
    // Only for speed.
    let _ = stream.set_nodelay(true);
    let mut connection = Connection {
        stream,
        received: Vec::new(),
    };
    for (number, exchange) in exchanges.iter().enumerate() {
        if connection.stream.write_all(&exchange.request).is_err() {
            // What the server said before it closed still counts.
            return connection.last_words();
        }
        match connection.check(&exchange.reply) {
            Finding::Right => replies.fetch_add(1, Relaxed),
            Finding::Wrong(detail) => {
                let asked = exchange.request.escape_ascii().to_string();
                let asked = asked.get(..40).unwrap_or(&asked);
                return Finding::Wrong(format!("reply {number} to `{asked}`: {detail}"));
            }
            Finding::Closed => return Finding::Closed,
        };
    }
    connection.end()
}

struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    fn check(&mut self, reply: &Reply) -> Finding {
        loop {
            if let Some(finding) = self.judge(reply) {
                return finding;
            }
            if !self.receive() {
                return Finding::Closed;
            }
        }
    }

    /// `None` while the reply is right as far as it has come.
    fn judge(&mut self, reply: &Reply) -> Option<Finding> {
        match reply {
            Reply::Exactly(bytes) => {
                let length = bytes.len().min(self.received.len());
                let differing = (0..length).find(|&at| bytes[at] != self.received[at]);
                if let Some(at) = differing {
                    return Some(Finding::Wrong(format!("byte {at}")));
                }
                (length == bytes.len()).then(|| {
                    self.received.drain(..length);
                    Finding::Right
                })
            }
            Reply::Statistics(wanted) => {
                const END: &[u8] = b"END\r\n";
                self.received.ends_with(END).then(|| {
                    let text =
                        String::from_utf8_lossy(&std::mem::take(&mut self.received)).into_owned();
                    judge_statistics(&text, wanted)
                })
            }
        }
    }

    /// False at the end of the connection.
    fn receive(&mut self) -> bool {
        let mut buffer = [0; BUFFER_BYTES];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(length) => {
                    self.received.extend_from_slice(&buffer[..length]);
                    return true;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    fn last_words(mut self) -> Finding {
        while self.receive() {}
        match self.received.is_empty() {
            true => Finding::Closed,
            false => unasked(),
        }
    }

    /// Nothing may come that was not asked for.
    fn end(mut self) -> Finding {
        let more = self.stream.set_nonblocking(true).is_ok() && self.receive();
        match more || !self.received.is_empty() {
            true => unasked(),
            false => Finding::Right,
        }
    }
}

fn unasked() -> Finding {
    Finding::Wrong("a reply that nobody asked for".to_owned())
}

fn judge_statistics(text: &str, wanted: &[(&str, u64)]) -> Finding {
    for (name, value) in wanted {
        let prefix = format!("STAT {name} ");
        let found = text.lines().find_map(|line| line.strip_prefix(&prefix));
        if found != Some(value.to_string().as_str()) {
            let found = found.unwrap_or("nothing");
            return Finding::Wrong(format!("{name} is {found}, not {value}"));
        }
    }
    Finding::Right
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn hears(answers: &'static [u8], exchanges: Vec<Exchange>) -> Finding {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 64];
            let _ = stream.read(&mut request).unwrap();
            stream.write_all(answers).unwrap();
        });
        let replies = Arc::new(AtomicU64::new(0));
        let mut load = Load::start(address, &[exchanges], &replies);
        load.finish();
        server.join().unwrap();
        load.findings.remove(0)
    }

    fn asks(reply: &[u8]) -> Vec<Exchange> {
        vec![Exchange {
            request: b"get a\r\n".to_vec(),
            reply: Reply::Exactly(reply.to_vec()),
        }]
    }

    #[test]
    fn every_byte_is_compared() {
        assert_eq!(hears(b"END\r\n", asks(b"END\r\n")), Finding::Right);
        let wrong = hears(b"ENE\r\n", asks(b"END\r\n"));
        assert!(matches!(&wrong, Finding::Wrong(detail) if detail.contains("byte 2")));
        assert_eq!(hears(b"EN", asks(b"END\r\n")), Finding::Closed);
        assert_eq!(hears(b"", asks(b"END\r\n")), Finding::Closed);
        let more = hears(b"END\r\nEND\r\n", asks(b"END\r\n"));
        assert!(matches!(&more, Finding::Wrong(detail) if detail.contains("nobody asked")));
    }

    #[test]
    fn counters_are_compared() {
        let asks = |value| {
            vec![Exchange {
                request: b"stats\r\n".to_vec(),
                reply: Reply::Statistics(vec![("get_hits", value)]),
            }]
        };
        let text = b"STAT pid 7\r\nSTAT get_hits 12\r\nEND\r\n";
        assert_eq!(hears(text, asks(12)), Finding::Right);
        let wrong = hears(text, asks(13));
        assert!(matches!(&wrong, Finding::Wrong(detail) if detail.contains("is 12, not 13")));
    }
}
