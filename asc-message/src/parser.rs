//! Messages from bytes as they arrive: the part that blocking and asynchronous readers share.

use crate::error::{Corrupted, FrameError};
use crate::header::{HEADER_BYTES, Header, PAYLOAD_BYTES_MAX};
use crate::message::Message;
use crate::omissions::Omissions;

/// The receiving end of a stream.
#[derive(Debug)]
pub(crate) struct Parser {
    destination: u64,
    pub(crate) payload_bytes_max: usize,
    omissions: Omissions,
    /// A header that did not match its seal was met: nothing behind it can be trusted.
    is_lost: bool,
}

/// What the first bytes of a buffer are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// A part of a message, which needs that many bytes in all.
    Incomplete(usize),
    /// A message for this destination, and its bytes in the buffer.
    Message(Message, usize),
    /// That many bytes of a message that was left out and counted.
    Omitted(usize),
}

impl Parser {
    pub(crate) fn new(destination: u64) -> Self {
        Self {
            destination,
            payload_bytes_max: PAYLOAD_BYTES_MAX,
            omissions: Omissions::default(),
            is_lost: false,
        }
    }

    pub(crate) const fn omissions(&self) -> Omissions {
        self.omissions
    }

    /// Looks at the start of `buffer`.
    pub(crate) fn parse(&mut self, buffer: &[u8]) -> Result<Parsed, FrameError> {
        let Some(header) = buffer.first_chunk::<HEADER_BYTES>() else {
            return Ok(Parsed::Incomplete(HEADER_BYTES));
        };
        let (header, seal) = Header::decode(header).inspect_err(|_| self.lose())?;
        let bytes = header.length as usize;
        if bytes > self.payload_bytes_max {
            let bytes_max = self.payload_bytes_max;
            return Err(FrameError::TooLong { bytes, bytes_max });
        }
        let end = HEADER_BYTES + bytes;
        let Some(payload) = buffer.get(HEADER_BYTES..end) else {
            return Ok(Parsed::Incomplete(end));
        };
        let message = Message::received(&header, seal, payload.to_vec());
        Ok(match self.judge(&message) {
            Ok(()) => Parsed::Message(message, end),
            Err(_) => Parsed::Omitted(end),
        })
    }

    fn lose(&mut self) {
        if !self.is_lost {
            self.is_lost = true;
            self.omissions.count_unreadable();
        }
    }

    /// Whether this is the message that was sent, and sent here.
    fn judge(&mut self, message: &Message) -> Result<(), Option<Corrupted>> {
        if let Err(error) = message.verify() {
            self.omissions.count_damaged();
            return Err(Some(error));
        }
        if message.address().destination != self.destination {
            self.omissions.count_misdirected();
            return Err(None);
        }
        Ok(())
    }
}
