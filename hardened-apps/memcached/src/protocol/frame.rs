//! Where one request ends and the next begins.
//!
//! 1. Find the end of the command line.
//! 2. If the line is a storage command, its data block of the stated length belongs to it.
//! 3. If that would be too large to be stored, the line alone is the request, so that it can be
//!    answered, and the data is discarded as it arrives.

use super::binary;
use super::command::Command;
use super::line::split_request;
use super::meta::{self, Verb};
use super::scan;

/// A longer line must be a retrieval of many keys.
const LINE_BYTES_MAX: usize = 2048;
/// The longest retrieval.
pub const RETRIEVAL_BYTES_MAX: usize = 4 << 20;
/// More leading spaces than that make a long line suspicious.
const LEADING_SPACES_MAX: usize = 100;
const CRLF_BYTES: usize = 2;

/// What the bytes received so far are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// The beginning of a request of at least `needed` bytes.
    Incomplete {
        /// Bytes to wait for, counted from the beginning of the request.
        needed: usize,
    },
    /// A request of `length` bytes, followed by `discard` bytes that are not to be looked at.
    Request {
        /// Bytes of the request.
        length: usize,
        /// Bytes to drop after it.
        discard: usize,
    },
    /// Neither protocol: close the connection.
    Hangup,
}

/// How the requests of a connection are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Lines: the classic and the meta protocol.
    Text,
    /// Headers and bodies.
    Binary,
}

/// Finds requests in the bytes of one connection.
#[derive(Debug)]
pub struct Framer {
    data_bytes_max: usize,
    /// Not known before the first byte, unless it was decided otherwise.
    protocol: Option<Protocol>,
    /// Bytes at the beginning in which there is no line end.
    scanned: usize,
    /// Bytes of the request, once its line is known.
    needed: usize,
}

impl Framer {
    /// Data blocks beyond `data_bytes_max` are discarded. The first byte decides on the protocol.
    pub fn new(data_bytes_max: usize) -> Self {
        Self::for_protocol(data_bytes_max, None)
    }

    /// The same, with the protocol decided on unless it is `None`.
    pub fn for_protocol(data_bytes_max: usize, protocol: Option<Protocol>) -> Self {
        Self {
            data_bytes_max,
            protocol,
            scanned: 0,
            needed: 0,
        }
    }

    /// The protocol, as far as it is known.
    pub fn protocol(&self) -> Protocol {
        self.protocol.unwrap_or(Protocol::Text)
    }

    /// Whether the rest of a data block is to come.
    pub fn awaits_data(&self) -> bool {
        self.needed > 0
    }

    /// Looks at all bytes of the connection that do not belong to a request returned earlier.
    ///
    /// As long as the answer is [`Frame::Incomplete`], call it again with these bytes and more.
    pub fn next(&mut self, bytes: &[u8]) -> Frame {
        let Some(first) = bytes.first() else {
            return Frame::Incomplete { needed: 1 };
        };
        let negotiated = match *first {
            binary::REQUEST_MAGIC => Protocol::Binary,
            _ => Protocol::Text,
        };
        if *self.protocol.get_or_insert(negotiated) == Protocol::Binary {
            return binary::frame(bytes, self.data_bytes_max);
        }
        if bytes.len() < self.needed {
            return Frame::Incomplete {
                needed: self.needed,
            };
        }
        let frame = match scan::find(&bytes[self.scanned..], b'\n') {
            Some(line_feed) => self.frame_line(bytes, self.scanned + line_feed + 1),
            None => return self.wait_for_line(bytes),
        };
        if let Frame::Request { .. } = frame {
            self.scanned = 0;
            self.needed = 0;
        }
        frame
    }

    fn wait_for_line(&mut self, bytes: &[u8]) -> Frame {
        if bytes.len() > RETRIEVAL_BYTES_MAX
            || (bytes.len() > LINE_BYTES_MAX && !begins_long_retrieval(bytes))
        {
            return Frame::Hangup;
        }
        self.scanned = bytes.len();
        Frame::Incomplete {
            needed: bytes.len() + 1,
        }
    }

    fn frame_line(&mut self, bytes: &[u8], line_length: usize) -> Frame {
        let Some(data_length) = data_length(&bytes[..line_length]) else {
            return Frame::Request {
                length: line_length,
                discard: 0,
            };
        };
        let data_length = data_length + CRLF_BYTES;
        if data_length > self.data_bytes_max + CRLF_BYTES {
            return Frame::Request {
                length: line_length,
                discard: data_length,
            };
        }
        let length = line_length + data_length;
        if bytes.len() < length {
            self.scanned = line_length - 1;
            self.needed = length;
            return Frame::Incomplete { needed: length };
        }
        Frame::Request { length, discard: 0 }
    }
}

/// Bytes of the data block that follows this line; none unless it is a storage command.
fn data_length(line: &[u8]) -> Option<usize> {
    let first = line.iter().copied().find(|byte| *byte != b' ')?;
    if !b"sarpcm".contains(&first) {
        return None;
    }
    match Command::parse(split_request(line).0) {
        Ok(Command::Store(store)) => Some(store.length),
        Ok(Command::Meta(Verb::Set, words)) => meta::data_length(words),
        _ => None,
    }
}

fn begins_long_retrieval(bytes: &[u8]) -> bool {
    let spaces = bytes.iter().take_while(|byte| **byte == b' ').count();
    let line = &bytes[spaces..];
    spaces <= LEADING_SPACES_MAX && (line.starts_with(b"get ") || line.starts_with(b"gets "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA_BYTES_MAX: usize = 10;

    fn frames(mut bytes: &[u8]) -> Vec<Frame> {
        let mut framer = Framer::new(DATA_BYTES_MAX);
        let mut frames = Vec::new();
        loop {
            let frame = framer.next(bytes);
            frames.push(frame);
            let Frame::Request { length, discard } = frame else {
                return frames;
            };
            bytes = &bytes[(length + discard).min(bytes.len())..];
        }
    }

    #[test]
    fn pipelined_requests_are_told_apart() {
        let request = |length| Frame::Request { length, discard: 0 };
        assert_eq!(
            frames(b"get a\r\nset a 0 0 3\r\na\nb\r\nbogus\nset a 0 0 3\r\na"),
            [
                request(7),
                request(18),
                request(6),
                Frame::Incomplete { needed: 18 }
            ],
        );
    }

    #[test]
    fn data_that_cannot_be_stored_is_discarded() {
        let bytes = b"set a 0 0 11\r\n0123456789a\r\nget a\r\n";
        let frames = frames(bytes);
        assert_eq!(
            frames[0],
            Frame::Request {
                length: 14,
                discard: 13
            }
        );
        assert_eq!(
            frames[1],
            Frame::Request {
                length: 7,
                discard: 0
            }
        );
    }

    #[test]
    fn a_storage_line_that_is_not_understood_has_no_data() {
        let frames = frames(b"set a 0 0 -1\r\nset a 0 0\r\nstats\r\n");
        let lengths: Vec<usize> = frames
            .iter()
            .filter_map(|frame| match frame {
                Frame::Request { length, discard: 0 } => Some(*length),
                _ => None,
            })
            .collect();
        assert_eq!(lengths, [14, 11, 7]);
    }

    #[test]
    fn requests_may_arrive_byte_by_byte() {
        let bytes = b"set a 0 0 3\r\nabc\r\n";
        let mut framer = Framer::new(DATA_BYTES_MAX);
        for end in 0..bytes.len() {
            assert!(matches!(
                framer.next(&bytes[..end]),
                Frame::Incomplete { .. }
            ));
        }
        assert_eq!(
            framer.next(bytes),
            Frame::Request {
                length: bytes.len(),
                discard: 0
            }
        );
        assert_eq!(framer.next(b""), Frame::Incomplete { needed: 1 });
    }

    #[test]
    fn only_retrievals_may_be_long() {
        let mut retrieval = b"  gets".to_vec();
        retrieval.resize(LINE_BYTES_MAX + 1, b' ');
        assert!(matches!(
            Framer::new(1).next(&retrieval),
            Frame::Incomplete { .. }
        ));
        retrieval.resize(RETRIEVAL_BYTES_MAX + 1, b' ');
        assert_eq!(Framer::new(1).next(&retrieval), Frame::Hangup);
        assert_eq!(
            Framer::new(1).next(&[b'x'; LINE_BYTES_MAX + 1]),
            Frame::Hangup
        );
        let spaces = [b' '; LINE_BYTES_MAX + 1];
        assert_eq!(Framer::new(1).next(&spaces), Frame::Hangup);
    }

    #[test]
    fn the_binary_protocol_is_recognised_by_its_first_byte() {
        let mut framer = Framer::new(1);
        assert!(matches!(
            framer.next(b"\x80\x0a\0\0"),
            Frame::Incomplete { .. }
        ));
        assert_eq!(framer.protocol(), Protocol::Binary);
        let mut framer = Framer::new(1);
        assert!(matches!(framer.next(b"get a\n"), Frame::Request { .. }));
        assert!(matches!(framer.next(b"\x80\n"), Frame::Request { .. }));
    }
}
