//! `-Y`: clients of the text protocol say who they are first.
//!
//! 1. The file has a line `user:password` for each account.
//! 2. A connection begins with a `set` of any key whose data is `user password`. Until that
//!    succeeds nothing else is executed, and no handler is called.

use std::path::Path;

use super::failure::Failure;
use crate::protocol::number::parse_u32;
use crate::protocol::{Words, reply, split_request};

/// The longest line that may come before a client is known.
const LINE_BYTES_MAX: usize = 2048;
/// The longest user and password.
const DATA_BYTES_MAX: u32 = 4096;
const CRLF: &[u8] = b"\r\n";
/// Words of a `set`, at least.
const WORDS_MIN: usize = 5;

/// Who may use the server.
#[derive(Debug)]
pub(super) struct Accounts {
    /// User and password, as a client writes them.
    accounts: Vec<Vec<u8>>,
}

/// What the first bytes of a connection are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// Not all of it is there.
    Incomplete { needed: usize },
    /// `consumed` bytes were an attempt; this is the answer.
    Answered {
        consumed: usize,
        text: &'static [u8],
        succeeded: bool,
    },
    /// No attempt: close the connection.
    Hangup,
}

impl Accounts {
    /// Reads the file.
    pub(super) fn load(path: &Path) -> Result<Self, Failure> {
        let action = format!("read the accounts in {} (-Y)", path.display());
        let text = std::fs::read(path).map_err(|error| Failure::system(&action, error))?;
        let mut accounts = Vec::new();
        for line in text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else {
                return Err(Failure::system(&action, "a line is not user:password"));
            };
            let mut account = line.to_vec();
            account[colon] = b' ';
            accounts.push(account);
        }
        Ok(Self { accounts })
    }

    /// Looks at all bytes that a client that is not known yet has sent.
    pub(super) fn attempt(&self, bytes: &[u8]) -> Attempt {
        let Some(line_feed) = bytes.iter().position(|byte| *byte == b'\n') else {
            return if bytes.len() > LINE_BYTES_MAX {
                Attempt::Hangup
            } else {
                Attempt::Incomplete {
                    needed: bytes.len() + 1,
                }
            };
        };
        let (line, data) = bytes.split_at(line_feed + 1);
        let Some(length) = data_length(line) else {
            return Attempt::Answered {
                consumed: line.len(),
                text: reply::UNAUTHENTICATED,
                succeeded: false,
            };
        };
        let consumed = line.len() + length;
        let Some(data) = data.get(..length) else {
            return Attempt::Incomplete { needed: consumed };
        };
        let (text, succeeded) = self.check(data);
        Attempt::Answered {
            consumed,
            text,
            succeeded,
        }
    }

    fn check(&self, data: &[u8]) -> (&'static [u8], bool) {
        let Some(data) = data.strip_suffix(CRLF) else {
            return (reply::BAD_AUTHENTICATION_END, false);
        };
        let mut words = Words::new(data);
        let (Some(user), Some(password)) = (words.next(), words.next()) else {
            return (reply::BAD_AUTHENTICATION_FORMAT, false);
        };
        let claimed = [user, b" ", password].concat();
        // All are looked at, so that the time does not tell which comes close.
        let known = self
            .accounts
            .iter()
            .fold(false, |known, account| known | equal(account, &claimed));
        if known {
            (reply::STORED, true)
        } else {
            (reply::AUTHENTICATION_FAILURE, false)
        }
    }
}

/// Bytes after the line of an attempt, with their CRLF.
fn data_length(line: &[u8]) -> Option<usize> {
    let words: Vec<&[u8]> = Words::new(split_request(line).0).take(WORDS_MIN).collect();
    let [b"set", _, _, _, length] = words[..] else {
        return None;
    };
    let length = parse_u32(length).filter(|length| *length <= DATA_BYTES_MAX)?;
    Some(length as usize + CRLF.len())
}

/// Takes as long wherever the difference is.
fn equal(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Accounts {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), "ada:secret\nbob:hidden\n").expect("written");
        Accounts::load(file.path()).expect("two accounts")
    }

    fn answer(bytes: &[u8]) -> (&'static [u8], bool) {
        match accounts().attempt(bytes) {
            Attempt::Answered {
                text, succeeded, ..
            } => (text, succeeded),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_accounts_of_the_file_are_let_in() {
        assert_eq!(
            answer(b"set x 0 0 10\r\nada secret\r\n"),
            (reply::STORED, true)
        );
        assert_eq!(
            answer(b"set x 0 0 10\r\nbob hidden\r\n"),
            (reply::STORED, true)
        );
        let failure = (reply::AUTHENTICATION_FAILURE, false);
        assert_eq!(answer(b"set x 0 0 10\r\nada hidden\r\n"), failure);
        assert_eq!(answer(b"set x 0 0 9\r\nada secre\r\n"), failure);
        let format = (reply::BAD_AUTHENTICATION_FORMAT, false);
        assert_eq!(answer(b"set x 0 0 3\r\nada\r\n"), format);
        let end = (reply::BAD_AUTHENTICATION_END, false);
        assert_eq!(answer(b"set x 0 0 10\r\nada secretXX"), end);
        assert_eq!(answer(b"get x\r\n"), (reply::UNAUTHENTICATED, false));
    }

    #[test]
    fn attempts_may_come_in_pieces() {
        let bytes = b"set x 0 0 10\r\nada secret\r\n";
        for end in 0..bytes.len() {
            let attempt = accounts().attempt(&bytes[..end]);
            assert!(matches!(attempt, Attempt::Incomplete { .. }), "{end}");
        }
        assert_eq!(
            accounts().attempt(&[b'x'; LINE_BYTES_MAX + 1]),
            Attempt::Hangup
        );
    }

    #[test]
    fn a_file_without_accounts_is_refused() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), "nobody\n").expect("written");
        assert!(Accounts::load(file.path()).is_err());
    }
}
