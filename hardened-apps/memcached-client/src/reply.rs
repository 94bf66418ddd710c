//! A line of the meta protocol, understood.

use crate::error::Error;

/// Values beyond this are not read: a length that has changed must not claim all memory.
pub(crate) const VALUE_BYTES_MAX: usize = 1 << 30;

/// What the reply must carry to be the one to a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity<'a> {
    pub(crate) number: u64,
    pub(crate) key: &'a [u8],
}

/// A status, and its flags where it has any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply<'a> {
    pub(crate) status: &'a [u8],
    words: Vec<&'a [u8]>,
}

impl<'a> Reply<'a> {
    /// Takes a line without its end apart.
    pub(crate) fn parse(line: &'a [u8]) -> Self {
        let mut words = line.split(|byte| *byte == b' ');
        Self {
            status: words.next().unwrap_or_default(),
            words: words.collect(),
        }
    }

    /// The length of the value that follows `VA`.
    pub(crate) fn value_length(&self) -> Option<usize> {
        let length = number(self.words.first()?)?;
        usize::try_from(length)
            .ok()
            .filter(|length| *length <= VALUE_BYTES_MAX)
    }

    /// The client flags.
    pub(crate) fn client_flags(&self) -> Option<u32> {
        number(self.flag(b'f')?).and_then(|flags| u32::try_from(flags).ok())
    }

    /// Demands that the reply carries the number and the key of the request.
    pub(crate) fn demand(&self, identity: &Identity<'_>) -> Result<(), Error> {
        let number_matches = self.flag(b'O').and_then(number) == Some(identity.number);
        if number_matches && self.flag(b'k') == Some(identity.key) {
            return Ok(());
        }
        let key = identity.key.escape_ascii();
        Err(unexpected(
            &format!("… O{} k{key}", identity.number),
            &self.text(),
        ))
    }

    /// What the server said.
    pub(crate) fn text(&self) -> Vec<u8> {
        let words: Vec<&[u8]> = std::iter::once(self.status)
            .chain(self.words.iter().copied())
            .collect();
        words.join(&b' ')
    }

    /// What follows the letter of a flag that stands there once.
    fn flag(&self, letter: u8) -> Option<&'a [u8]> {
        let mut found = self
            .words
            .iter()
            .filter_map(|word| match word.split_first() {
                Some((first, rest)) if *first == letter => Some(rest),
                _ => None,
            });
        found.next().filter(|_| found.next().is_none())
    }
}

pub(crate) fn unexpected(expected: &str, found: &[u8]) -> Error {
    Error::Reply {
        expected: expected.into(),
        found: found.escape_ascii().to_string(),
    }
}

/// Decimal digits and nothing else.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart() {
        let reply = Reply::parse(b"VA 5 f77 kname O3");
        assert_eq!((reply.status, reply.value_length()), (&b"VA"[..], Some(5)));
        assert_eq!(reply.client_flags(), Some(77));
        let identity = |number, key| Identity { number, key };
        assert!(reply.demand(&identity(3, b"name")).is_ok());
        assert!(reply.demand(&identity(4, b"name")).is_err());
        assert!(reply.demand(&identity(3, b"nam")).is_err());
        assert_eq!(reply.text(), b"VA 5 f77 kname O3");
    }

    #[test]
    fn what_is_no_number_or_stands_there_twice_is_nothing() {
        for line in [
            &b"VA"[..],
            b"VA x f",
            b"VA +5 f-1",
            b"VA 1099511627776 f1 f2",
        ] {
            let reply = Reply::parse(line);
            assert_eq!(reply.value_length(), None, "{line:?}");
            assert_eq!(reply.client_flags(), None, "{line:?}");
        }
    }
}
