//! Why a command line is not a command.

use super::reply;

/// What to do with a line that is not a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// Say so.
    Reply(&'static [u8]),
    /// Say nothing: the client wrote `noreply`.
    Silence,
    /// Close the connection: the peer speaks HTTP.
    Hangup,
}

impl Rejection {
    pub(crate) const ERROR: Self = Self::Reply(reply::ERROR);

    pub(crate) fn reply_unless(noreply: bool, text: &'static [u8]) -> Self {
        if noreply {
            Self::Silence
        } else {
            Self::Reply(text)
        }
    }
}
