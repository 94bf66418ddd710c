//! One connection of the generator.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::TcpStream;

use crate::failure::Failure;
use crate::workload::{Exchange, Workload};

/// Every so many exchanges the whole reply is compared.
const COMPARE_INTERVAL: usize = 64;
/// The connections begin this far apart in the list of exchanges.
const STRIDE: usize = 61;
/// Bytes at the end of a reply that are always compared: all of the shortest, `END\r\n`.
const END_BYTES: usize = b"END\r\n".len();
/// Bytes of a wrong reply that are shown.
const SHOWN_BYTES: usize = 120;

/// A connection with one exchange on its way.
#[derive(Debug)]
pub(super) struct Client {
    stream: TcpStream,
    /// Which exchange.
    index: usize,
    /// Exchanges so far.
    count: usize,
    sent: usize,
    received: usize,
    started: Instant,
    /// The last reply has come.
    finished: bool,
    /// Room for the longest reply, and for a byte that should not come.
    buffer: Vec<u8>,
}

impl Client {
    pub(super) fn connect(
        address: SocketAddr,
        workload: &Workload,
        number: usize,
    ) -> Result<Self, Failure> {
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream: TcpStream::from_std(stream),
            index: number * STRIDE % workload.exchanges.len(),
            count: 0,
            sent: 0,
            received: 0,
            started: Instant::now(),
            finished: false,
            buffer: vec![0; workload.reply_length_max + 1],
        })
    }

    pub(super) fn stream_mut(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Operations of the exchange.
    pub(super) fn operations(&self, workload: &Workload) -> u64 {
        workload.exchanges[self.index].operations
    }

    /// Begins with the next exchange.
    pub(super) fn next(&mut self, workload: &Workload, now: Instant) -> Result<(), Failure> {
        self.index = (self.index + 1) % workload.exchanges.len();
        self.count += 1;
        self.begin(workload, now)
    }

    /// There is no next exchange.
    pub(super) fn finish(&mut self) {
        self.finished = true;
    }

    /// Sends the exchange.
    pub(super) fn begin(&mut self, workload: &Workload, now: Instant) -> Result<(), Failure> {
        (self.sent, self.received) = (0, 0);
        self.started = now;
        self.send(&workload.exchanges[self.index])
    }

    /// Goes on; says when the exchange was begun if its reply is complete now.
    pub(super) fn advance(&mut self, workload: &Workload) -> Result<Option<Instant>, Failure> {
        if self.finished {
            return Ok(None);
        }
        let exchange = &workload.exchanges[self.index];
        self.send(exchange)?;
        self.receive(exchange)?;
        if self.received < exchange.reply_length {
            return Ok(None);
        }
        self.check(workload, exchange)?;
        Ok(Some(self.started))
    }

    fn send(&mut self, exchange: &Exchange) -> Result<(), Failure> {
        while self.sent < exchange.bytes.len() {
            match self.stream.write(&exchange.bytes[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Receives until a read comes back short: then the socket is empty, and an event will come.
    fn receive(&mut self, exchange: &Exchange) -> Result<(), Failure> {
        loop {
            let room = &mut self.buffer[self.received..=exchange.reply_length];
            let wanted = room.len();
            match self.stream.read(room) {
                Ok(0) => return Err(self.wrong("it closes the connection", exchange)),
                Ok(count) => {
                    self.received += count;
                    if self.received > exchange.reply_length {
                        return Err(self.wrong("it sends more bytes than the reply has", exchange));
                    }
                    if count < wanted {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn check(&self, workload: &Workload, exchange: &Exchange) -> Result<(), Failure> {
        let reply = &self.buffer[..exchange.reply_length];
        let end = &reply[reply.len() - END_BYTES..];
        let ends_well = end == b"END\r\n" || end == b"RED\r\n";
        let compared = self.count.is_multiple_of(COMPARE_INTERVAL);
        if ends_well && (!compared || reply == workload.reply(exchange)) {
            return Ok(());
        }
        Err(self.wrong("it sends a wrong reply", exchange))
    }

    fn wrong(&self, what: &str, exchange: &Exchange) -> Failure {
        let shown = |bytes: &[u8]| {
            bytes[..bytes.len().min(SHOWN_BYTES)]
                .escape_ascii()
                .to_string()
        };
        Failure::new(
            format!(
                "get {} bytes for `{}`",
                exchange.reply_length,
                shown(&exchange.bytes)
            ),
            format!("{what}: `{}`", shown(&self.buffer[..self.received])),
            "ask the server the same by hand, for instance with nc",
        )
    }
}
