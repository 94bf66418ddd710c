//! Messages from a blocking reader.

use std::io::{self, Read};

use crate::error::FrameError;
use crate::omissions::Omissions;
use crate::parser::{Parsed, Parser};

/// Bytes that are asked for at once.
const CHUNK_BYTES: usize = 64 << 10;

/// Takes messages off a stream: a socket, a pipe, a file.
///
/// ```
/// use asc_message::{Message, MessageReader, write_message};
/// use asc_runtime::Address;
///
/// let mut wire = Vec::new();
/// write_message(&mut wire, &Message::seal(Address::new(1, 7), b"for 7".to_vec()))?;
/// write_message(&mut wire, &Message::seal(Address::new(1, 8), b"for 8".to_vec()))?;
///
/// let mut reader = MessageReader::new(wire.as_slice(), 8);
/// assert_eq!(reader.read()?.unwrap().input().bytes(), b"for 8");
/// assert_eq!(reader.omissions().misdirected, 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct MessageReader<R> {
    stream: R,
    parser: Parser,
    buffer: Vec<u8>,
    /// Where the bytes that were not yet returned begin.
    start: usize,
}

impl<R: Read> MessageReader<R> {
    /// Reads the messages that are for `destination` from `stream`.
    pub fn new(stream: R, destination: u64) -> Self {
        Self {
            stream,
            parser: Parser::new(destination),
            buffer: Vec::new(),
            start: 0,
        }
    }

    /// Accepts payloads of at most `bytes`; [`PAYLOAD_BYTES_MAX`](crate::PAYLOAD_BYTES_MAX) unless set.
    #[must_use]
    pub const fn payload_bytes_max(mut self, bytes: usize) -> Self {
        self.parser.payload_bytes_max = bytes;
        self
    }

    /// The next undamaged message for this destination; `None` at the end of the stream.
    ///
    /// # Errors
    /// [`FrameError`] inside an [`io::Error`] when a header is damaged, a payload too long or the
    /// stream ends inside a message: close it. Errors of the stream itself as they are; after
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) call again, nothing is lost.
    pub fn read(&mut self) -> io::Result<Option<crate::Message>> {
        loop {
            match self.parser.parse(&self.buffer[self.start..])? {
                Parsed::Message(message, bytes) => {
                    self.start += bytes;
                    return Ok(Some(message));
                }
                Parsed::Omitted(bytes) => self.start += bytes,
                Parsed::Incomplete(_) => {
                    if self.fill()? == 0 {
                        return self.end();
                    }
                }
            }
        }
    }

    /// What was left out so far.
    pub const fn omissions(&self) -> Omissions {
        self.parser.omissions()
    }

    /// The stream. Bytes that were read ahead of the last message are lost.
    pub fn into_inner(self) -> R {
        self.stream
    }

    /// Reads more; 0 at the end. Room is made as bytes arrive, not as a header promises them.
    fn fill(&mut self) -> io::Result<usize> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let filled = self.buffer.len();
        self.buffer.resize(filled + CHUNK_BYTES, 0);
        let outcome = loop {
            match self.stream.read(&mut self.buffer[filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome,
            }
        };
        let arrived = outcome.as_ref().map_or(0, |bytes| *bytes);
        self.buffer.truncate(filled + arrived);
        outcome
    }

    fn end(&self) -> io::Result<Option<crate::Message>> {
        if self.start == self.buffer.len() {
            Ok(None)
        } else {
            Err(FrameError::Truncated.into_io())
        }
    }
}
