//! The binary protocol: requests of a fixed header, extras, a key and a value.
//!
//! [`frame`] says where a request ends, [`Request::parse`] what it asks for. Which lengths are
//! wrong for which operation is memcached's opinion; after such a mistake the connection is closed.

use super::KEY_BYTES_MAX;
use super::frame::Frame;

/// The first byte of a request.
pub(crate) const REQUEST_MAGIC: u8 = 0x80;
/// The first byte of a response.
pub(crate) const RESPONSE_MAGIC: u8 = 0x81;
/// Bytes of a header, in both directions.
pub(crate) const HEADER_BYTES: usize = 24;

/// What a request asks for, whether it wants to hear of success or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Get { with_key: bool },
    Set,
    Add,
    Replace,
    Delete,
    Increment,
    Decrement,
    Quit,
    Flush,
    Noop,
    Version,
    Append,
    Prepend,
    Statistics,
    Touch,
    GetAndTouch { with_key: bool },
    Unknown,
}

/// A status in a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Status {
    Success = 0,
    KeyNotFound = 1,
    KeyExists = 2,
    TooLarge = 3,
    InvalidArguments = 4,
    NotStored = 5,
    NonNumeric = 6,
    AuthenticationError = 0x20,
    UnknownCommand = 0x81,
    OutOfMemory = 0x82,
}

impl Status {
    /// The text that goes with it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Success => "",
            Self::KeyNotFound => "Not found",
            Self::KeyExists => "Data exists for key.",
            Self::TooLarge => "Too large.",
            Self::InvalidArguments => "Invalid arguments",
            Self::NotStored => "Not stored.",
            Self::NonNumeric => "Non-numeric server-side value for incr or decr",
            Self::AuthenticationError => "Auth failure.",
            Self::UnknownCommand => "Unknown command",
            Self::OutOfMemory => "Out of memory",
        }
    }
}

impl Operation {
    /// The operation of an opcode, and whether it is the quiet variant.
    fn of(opcode: u8) -> (Self, bool) {
        match opcode {
            0x00 => (Self::Get { with_key: false }, false),
            0x01 => (Self::Set, false),
            0x02 => (Self::Add, false),
            0x03 => (Self::Replace, false),
            0x04 => (Self::Delete, false),
            0x05 => (Self::Increment, false),
            0x06 => (Self::Decrement, false),
            0x07 => (Self::Quit, false),
            0x08 => (Self::Flush, false),
            0x09 => (Self::Get { with_key: false }, true),
            0x0a => (Self::Noop, false),
            0x0b => (Self::Version, false),
            0x0c => (Self::Get { with_key: true }, false),
            0x0d => (Self::Get { with_key: true }, true),
            0x0e => (Self::Append, false),
            0x0f => (Self::Prepend, false),
            0x10 => (Self::Statistics, false),
            0x11 => (Self::Set, true),
            0x12 => (Self::Add, true),
            0x13 => (Self::Replace, true),
            0x14 => (Self::Delete, true),
            0x15 => (Self::Increment, true),
            0x16 => (Self::Decrement, true),
            0x17 => (Self::Quit, true),
            0x18 => (Self::Flush, true),
            0x19 => (Self::Append, true),
            0x1a => (Self::Prepend, true),
            0x1c => (Self::Touch, false),
            0x1d => (Self::GetAndTouch { with_key: false }, false),
            0x1e => (Self::GetAndTouch { with_key: false }, true),
            0x23 => (Self::GetAndTouch { with_key: true }, false),
            0x24 => (Self::GetAndTouch { with_key: true }, true),
            _ => (Self::Unknown, false),
        }
    }
}

/// The lengths that a header announces.
#[derive(Debug, Clone, Copy)]
struct Lengths {
    extras: usize,
    key: usize,
    body: usize,
}

impl Lengths {
    fn of(header: &[u8; HEADER_BYTES]) -> Self {
        Self {
            extras: usize::from(header[4]),
            key: usize::from(u16::from_be_bytes([header[2], header[3]])),
            body: u32::from_be_bytes([header[8], header[9], header[10], header[11]]) as usize,
        }
    }

    /// Bytes after extras and key; none if the header contradicts itself.
    fn value(self) -> Option<usize> {
        self.body.checked_sub(self.extras + self.key)
    }

    /// Whether the operation allows these lengths.
    fn suit(self, operation: Operation) -> bool {
        let Self { extras, key, body } = self;
        match operation {
            Operation::Version | Operation::Noop | Operation::Quit => body == 0,
            Operation::Flush => key == 0 && body == extras && (extras == 0 || extras == 4),
            Operation::Set | Operation::Add | Operation::Replace => extras == 8 && key > 0,
            Operation::Get { .. } | Operation::Delete => extras == 0 && key > 0 && body == key,
            Operation::Increment | Operation::Decrement => {
                extras == 20 && key > 0 && body == key + extras
            }
            Operation::Append | Operation::Prepend => extras == 0 && key > 0,
            Operation::Statistics => extras == 0,
            Operation::Touch | Operation::GetAndTouch { .. } => extras == 4 && key > 0,
            Operation::Unknown => true,
        }
    }
}

/// Where the request at the beginning of `bytes` ends. Values beyond `data_bytes_max` are left out.
pub(crate) fn frame(bytes: &[u8], data_bytes_max: usize) -> Frame {
    let Some(header) = bytes.first_chunk() else {
        return Frame::Incomplete {
            needed: HEADER_BYTES,
        };
    };
    if header[0] != REQUEST_MAGIC {
        return Frame::Hangup;
    }
    let (operation, _) = Operation::of(header[1]);
    let lengths = Lengths::of(header);
    let (length, discard) = match (operation, lengths.value()) {
        (Operation::Unknown, Some(value)) => (0, value),
        (
            Operation::Set
            | Operation::Add
            | Operation::Replace
            | Operation::Append
            | Operation::Prepend,
            Some(value),
        ) if lengths.suit(operation) && lengths.key <= KEY_BYTES_MAX => {
            if value > data_bytes_max {
                (0, value)
            } else {
                (value, 0)
            }
        }
        _ => (0, 0),
    };
    let length = HEADER_BYTES + lengths.extras + lengths.key + length;
    if bytes.len() < length {
        return Frame::Incomplete { needed: length };
    }
    Frame::Request { length, discard }
}

/// A request, understood.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) opcode: u8,
    pub(crate) operation: Operation,
    /// Success, or a miss of a retrieval, is not to be answered.
    pub(crate) quiet: bool,
    /// Returned as it came.
    pub(crate) opaque: [u8; 4],
    pub(crate) cas: u64,
    pub(crate) extras: &'a [u8],
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
    /// Bytes of the value, all of which are there unless it is too large.
    pub(crate) value_length: usize,
}

/// Why a request cannot be executed: answer with this status and close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mistake(pub(crate) Status);

impl<'a> Request<'a> {
    /// Understands what [`frame`] has found. The opcode and the opaque of a mistake are for the
    /// answer.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, (Mistake, u8, [u8; 4])> {
        let header: &[u8; HEADER_BYTES] = bytes.first_chunk().unwrap_or(&[0; HEADER_BYTES]);
        let (opcode, opaque) = (header[1], [header[12], header[13], header[14], header[15]]);
        let (operation, quiet) = Operation::of(opcode);
        let lengths = Lengths::of(header);
        let mistake = |status| (Mistake(status), opcode, opaque);
        let value_length = lengths.value().ok_or(mistake(Status::UnknownCommand))?;
        let key_start = HEADER_BYTES + lengths.extras;
        let value_start = key_start + lengths.key;
        if lengths.key > KEY_BYTES_MAX || !lengths.suit(operation) || bytes.len() < value_start {
            return Err(mistake(Status::InvalidArguments));
        }
        let cas = header
            .last_chunk()
            .map_or(0, |cas| u64::from_be_bytes(*cas));
        Ok(Self {
            opcode,
            operation,
            quiet,
            opaque,
            cas,
            extras: &bytes[HEADER_BYTES..key_start],
            key: &bytes[key_start..value_start],
            value: &bytes[value_start..],
            value_length,
        })
    }

    /// The four bytes of the extras from `at` on, as a number.
    pub(crate) fn extra_u32(&self, at: usize) -> u32 {
        let bytes = self.extras.get(at..at + 4).and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes))
    }

    /// The eight bytes of the extras from `at` on, as a number.
    pub(crate) fn extra_u64(&self, at: usize) -> u64 {
        let bytes = self.extras.get(at..at + 8).and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }
}

/// The header of a response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResponseHeader {
    pub(crate) opcode: u8,
    pub(crate) status: Status,
    pub(crate) opaque: [u8; 4],
    pub(crate) cas: u64,
    pub(crate) extras_length: u8,
    pub(crate) key_length: u16,
    pub(crate) body_length: u32,
}

impl ResponseHeader {
    pub(crate) fn bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0] = RESPONSE_MAGIC;
        bytes[1] = self.opcode;
        bytes[2..4].copy_from_slice(&self.key_length.to_be_bytes());
        bytes[4] = self.extras_length;
        bytes[6..8].copy_from_slice(&(self.status as u16).to_be_bytes());
        bytes[8..12].copy_from_slice(&self.body_length.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.opaque);
        bytes[16..].copy_from_slice(&self.cas.to_be_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(opcode: u8, extras: &[u8], key: &[u8], value: &[u8]) -> Vec<u8> {
        let mut bytes = vec![REQUEST_MAGIC, opcode];
        bytes.extend((key.len() as u16).to_be_bytes());
        bytes.extend([extras.len() as u8, 0, 0, 0]);
        bytes.extend(((extras.len() + key.len() + value.len()) as u32).to_be_bytes());
        bytes.extend(b"opaq\0\0\0\0\0\0\0\x09");
        [&bytes, extras, key, value].concat()
    }

    #[test]
    fn a_request_is_framed_and_understood() {
        let bytes = request(0x11, &[0, 0, 0, 7, 0, 0, 0, 9], b"key", b"value");
        for end in 0..bytes.len() {
            assert!(
                matches!(frame(&bytes[..end], 10), Frame::Incomplete { .. }),
                "{end}"
            );
        }
        let whole = Frame::Request {
            length: bytes.len(),
            discard: 0,
        };
        assert_eq!(frame(&bytes, 10), whole);
        let parsed = Request::parse(&bytes).expect("a valid request");
        assert_eq!((parsed.operation, parsed.quiet), (Operation::Set, true));
        assert_eq!((parsed.key, parsed.value), (&b"key"[..], &b"value"[..]));
        assert_eq!((parsed.extra_u32(0), parsed.extra_u64(0)), (7, 7 << 32 | 9));
        assert_eq!((parsed.cas, &parsed.opaque), (9, b"opaq"));
    }

    #[test]
    fn values_that_are_too_large_are_left_out() {
        let bytes = request(0x01, &[0; 8], b"key", b"value");
        let without = Frame::Request {
            length: bytes.len() - 5,
            discard: 5,
        };
        assert_eq!(frame(&bytes, 4), without);
        let parsed = Request::parse(&bytes[..bytes.len() - 5]).expect("a valid request");
        assert_eq!((parsed.value, parsed.value_length), (&b""[..], 5));
    }

    #[test]
    fn wrong_lengths_are_mistakes() {
        let long_key = [b'k'; KEY_BYTES_MAX + 1];
        for bytes in [
            request(0x00, b"", b"", b""),
            request(0x00, b"", b"key", b"value"),
            request(0x01, b"", b"key", b"value"),
            request(0x0a, b"", b"key", b""),
            request(0x1c, b"", b"key", b""),
            request(0x00, b"", &long_key, b""),
        ] {
            let mistake = Request::parse(&bytes)
                .map_err(|(mistake, ..)| mistake)
                .err();
            assert_eq!(
                mistake,
                Some(Mistake(Status::InvalidArguments)),
                "{bytes:?}"
            );
        }
        let mut bytes = request(0x00, b"", b"key", b"");
        bytes[11] = 1;
        let mistake = Request::parse(&bytes)
            .map_err(|(mistake, ..)| mistake)
            .err();
        assert_eq!(mistake, Some(Mistake(Status::UnknownCommand)));
    }

    #[test]
    fn another_first_byte_ends_the_connection() {
        assert_eq!(frame(&[b'g'; HEADER_BYTES], 10), Frame::Hangup);
    }
}
