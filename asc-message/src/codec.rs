//! Messages over `tokio_util::codec`.

use bytes::{Buf, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::error::FrameError;
use crate::message::Message;
use crate::omissions::Omissions;
use crate::parser::{Parsed, Parser};

/// Room that is made at once, however much a header announces.
const RESERVED_BYTES_MAX: usize = 64 << 10;

/// Frames an asynchronous stream into messages: `Framed::new(socket, MessageCodec::new(own))`.
///
/// Damaged and misdirected messages are left out and counted, as by
/// [`MessageReader`](crate::MessageReader).
///
/// ```
/// use asc_message::{Message, MessageCodec};
/// use asc_runtime::Address;
/// use bytes::BytesMut;
/// use tokio_util::codec::{Decoder, Encoder};
///
/// let (mut codec, mut wire) = (MessageCodec::new(7), BytesMut::new());
/// let message = Message::seal(Address::new(1, 7), b"get key".to_vec());
/// codec.encode(message.clone(), &mut wire)?;
/// assert_eq!(codec.decode(&mut wire)?, Some(message));
/// # Ok::<(), asc_message::FrameError>(())
/// ```
#[derive(Debug)]
pub struct MessageCodec {
    parser: Parser,
}

impl MessageCodec {
    /// Sends to anyone; receives what is for `destination`.
    pub fn new(destination: u64) -> Self {
        Self {
            parser: Parser::new(destination),
        }
    }

    /// Accepts payloads of at most `bytes`; [`PAYLOAD_BYTES_MAX`](crate::PAYLOAD_BYTES_MAX) unless set.
    #[must_use]
    pub const fn payload_bytes_max(mut self, bytes: usize) -> Self {
        self.parser.payload_bytes_max = bytes;
        self
    }

    /// What was left out so far.
    pub const fn omissions(&self) -> Omissions {
        self.parser.omissions()
    }
}

impl Decoder for MessageCodec {
    type Item = Message;
    type Error = FrameError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, FrameError> {
        loop {
            match self.parser.parse(buffer)? {
                Parsed::Message(message, bytes) => {
                    buffer.advance(bytes);
                    return Ok(Some(message));
                }
                Parsed::Omitted(bytes) => buffer.advance(bytes),
                Parsed::Incomplete(bytes) => {
                    buffer.reserve((bytes - buffer.len()).min(RESERVED_BYTES_MAX));
                    return Ok(None);
                }
            }
        }
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, FrameError> {
        match self.decode(buffer)? {
            None if !buffer.is_empty() => Err(FrameError::Truncated),
            message => Ok(message),
        }
    }
}

impl Encoder<Message> for MessageCodec {
    type Error = FrameError;

    fn encode(&mut self, message: Message, buffer: &mut BytesMut) -> Result<(), FrameError> {
        let payload = message.verified_bytes()?;
        buffer.extend_from_slice(&message.encoded_header());
        buffer.extend_from_slice(payload);
        Ok(())
    }
}
