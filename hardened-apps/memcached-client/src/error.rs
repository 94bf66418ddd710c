//! What can go wrong.

use std::{fmt, io};

/// Why there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The connection failed, or took too long. Connect anew.
    Io(io::Error),
    /// The key is empty, too long, or contains white space or control characters. It was not sent.
    Key,
    /// The value is not the one that was stored: drop it and fetch it from where it came from.
    #[non_exhaustive]
    Corrupt {
        /// The checksum that came with the value.
        expected: u32,
        /// That of the value.
        found: u32,
    },
    /// The server refused; what it said. A refusal of a checksum means that the request has changed on its
    /// way.
    Refused(String),
    /// The reply is not one to this request. Connect anew.
    #[non_exhaustive]
    Reply {
        /// What was to come.
        expected: String,
        /// What came.
        found: String,
    },
    /// An earlier error has left the connection in doubt. Connect anew.
    Broken,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(formatter, "{error}: connect anew"),
            Self::Key => formatter.write_str(
                "a key has 1 to 250 bytes, none of them white space or control characters",
            ),
            Self::Corrupt { expected, found } => write!(
                formatter,
                "the value has checksum {found:#010x}, but {expected:#010x} was stored with it: \
                 drop it and fetch it anew"
            ),
            Self::Refused(text) => write!(formatter, "the server refuses: {text}"),
            Self::Reply { expected, found } => {
                write!(
                    formatter,
                    "expected `{expected}`, got `{found}`: connect anew"
                )
            }
            Self::Broken => formatter.write_str("the connection has failed before: connect anew"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
