//! What can be wrong with a message, and with the stream that carries it.

use std::fmt;
use std::io;

/// A message does not match the checksum that its producer took. Drop it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Corrupted {
    /// `"payload"` or `"address"` (identity, destination, length).
    pub what: &'static str,
    /// The producer's CRC32C.
    pub expected: u32,
    /// CRC32C of what is there.
    pub found: u32,
}

impl Corrupted {
    pub(crate) const fn unless_equal(
        what: &'static str,
        expected: u32,
        found: u32,
    ) -> Result<(), Self> {
        if expected == found {
            return Ok(());
        }
        Err(Self {
            what,
            expected,
            found,
        })
    }
}

impl fmt::Display for Corrupted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "the {} of a message does not match its checksum (expected {:#010x}, found {:#010x}): \
             drop it, the sender may repeat it",
            self.what, self.expected, self.found
        )
    }
}

impl std::error::Error for Corrupted {}

impl From<Corrupted> for io::Error {
    fn from(error: Corrupted) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

/// A stream of messages cannot be read on.
///
/// A damaged payload is no such error: its length is known, and it is left out. Behind a damaged
/// header nobody knows where the next message begins; looking for something that resembles one could
/// find it inside a payload.
#[derive(Debug)]
#[non_exhaustive]
pub enum FrameError {
    /// A header does not match its seal.
    Header {
        /// The seal.
        expected: u32,
        /// CRC32C of the header.
        found: u32,
    },
    /// A message announces more bytes than are accepted here.
    TooLong {
        /// Bytes announced.
        bytes: usize,
        /// Bytes accepted.
        bytes_max: usize,
    },
    /// The stream ended inside a message.
    Truncated,
    /// A message to be sent does not match its checksums; nothing of it was sent.
    Corrupted(Corrupted),
    /// The stream failed.
    Io(io::Error),
}

impl FrameError {
    /// The transport's own error, and the others as errors about its data.
    pub fn into_io(self) -> io::Error {
        match self {
            FrameError::Io(error) => error,
            FrameError::Truncated => io::Error::new(io::ErrorKind::UnexpectedEof, self),
            other => io::Error::new(io::ErrorKind::InvalidData, other),
        }
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Header { expected, found } => write!(
                formatter,
                "a message header does not match its seal (expected {expected:#010x}, found \
                 {found:#010x}): close the connection and open another"
            ),
            FrameError::TooLong { bytes, bytes_max } => write!(
                formatter,
                "a message announces {bytes} bytes where {bytes_max} are accepted: raise \
                 `payload_bytes_max`, or close the connection"
            ),
            FrameError::Truncated => write!(
                formatter,
                "the stream ended inside a message: open another connection"
            ),
            FrameError::Corrupted(error) => error.fmt(formatter),
            FrameError::Io(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for FrameError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            FrameError::Corrupted(error) => Some(error),
            FrameError::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> Self {
        FrameError::Io(error)
    }
}

impl From<Corrupted> for FrameError {
    fn from(error: Corrupted) -> Self {
        FrameError::Corrupted(error)
    }
}

impl From<FrameError> for io::Error {
    fn from(error: FrameError) -> Self {
        error.into_io()
    }
}
