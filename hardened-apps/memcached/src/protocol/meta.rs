//! The meta commands: `mg`, `ms`, `md`, `ma`, `me`, `mn`.
//!
//! A meta command is a key and flags of one letter, some with an argument. What the flags ask for
//! is collected before the command is executed; what they want to be told is looked up word by
//! word afterwards, in the client's order.

use super::base64::{self, DECODED_BYTES_MAX};
use super::number::{parse_i32, parse_u32, parse_u64};
use super::words::Words;
use super::{KEY_BYTES_MAX, reply};

/// Most words after the name of a meta command.
const WORDS_MAX: usize = 18;
/// memcached adds 2 to the length in an `int`.
const DATA_LENGTH_MAX: i32 = i32::MAX - 2;
/// Longest opaque, its letter included.
pub(crate) const OPAQUE_BYTES_MAX: usize = 32;

/// Which meta command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Set,
    Delete,
    Arithmetic,
    /// `me`: what is known about an item, for people.
    Debug,
}

/// The key of a meta command.
#[derive(Debug)]
pub(crate) enum Key<'a> {
    Plain(&'a [u8]),
    /// It was written in base64.
    Binary {
        bytes: [u8; DECODED_BYTES_MAX],
        length: usize,
    },
}

/// What the flags ask for.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    /// `v`: the value.
    pub(crate) value: bool,
    /// `u`: do not count as a read.
    pub(crate) no_update: bool,
    /// `q`: do not say what is expected.
    pub(crate) quiet: bool,
    /// `I`: mark as stale.
    pub(crate) invalidate: bool,
    /// `N`: create a missing item with this time.
    pub(crate) vivify: Option<i32>,
    /// `T`: the new time.
    pub(crate) exptime: Option<i32>,
    /// `R`: whoever finds less time left wins.
    pub(crate) recache: Option<i32>,
    /// `F`.
    pub(crate) client_flags: u32,
    /// `C`: only if this is the unique identifier.
    pub(crate) compare: Option<u64>,
    /// `M`.
    pub(crate) mode: Option<u8>,
    /// `J`: what a created number starts with.
    pub(crate) initial: u64,
    /// `D`.
    pub(crate) delta: Option<u64>,
    /// `b`.
    binary_key: bool,
}

/// A meta command, understood.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) key: Key<'a>,
    pub(crate) flags: Flags,
    /// The words of the flags, in order.
    pub(crate) words: Words<'a>,
    data_length: Option<usize>,
}

impl Key<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(key) => key,
            Self::Binary { bytes, length } => &bytes[..*length],
        }
    }

    pub(crate) fn is_binary(&self) -> bool {
        matches!(self, Self::Binary { .. })
    }

    fn decode(word: &[u8]) -> Option<Self> {
        let mut bytes = [0; DECODED_BYTES_MAX];
        let length = base64::decode(word, &mut bytes)?;
        Some(Self::Binary { bytes, length })
    }
}

impl<'a> Request<'a> {
    /// Whether memcached looks at the item before it notes the read: then a flag that is found
    /// wrong on the way prevents that.
    pub(crate) fn looks_before_reading(&self) -> bool {
        let flags = &self.flags;
        flags.vivify.is_some()
            || flags.exptime.is_some()
            || flags.recache.is_some()
            || self.words.clone().any(|word| b"lh".contains(&word[0]))
    }

    /// Bytes of the data block that an `ms` announces, without its CRLF.
    pub(crate) fn data_length(&self) -> Option<usize> {
        self.data_length
    }

    /// Understands what follows the name of the command, or says what is wrong with it.
    pub(crate) fn parse(verb: Verb, mut words: Words<'a>) -> Result<Self, &'static [u8]> {
        let arguments = words.clone();
        let Some(key) = words.next() else {
            return Err(match verb {
                Verb::Debug => reply::BAD_FORMAT,
                _ => reply::ERROR,
            });
        };
        if key.len() > KEY_BYTES_MAX {
            return Err(reply::BAD_FORMAT);
        }
        if verb == Verb::Debug {
            return Self::parse_debug(key, words);
        }
        if verb == Verb::Set && words.clone().next().is_none() {
            return Err(reply::BAD_FORMAT);
        }
        if arguments.take(WORDS_MAX + 1).count() > WORDS_MAX {
            return Err(match verb {
                Verb::Get => reply::TOO_MANY_META_FLAGS_GET,
                _ => reply::TOO_MANY_META_FLAGS,
            });
        }
        let data_length = match verb {
            Verb::Set => Some(
                words
                    .next()
                    .and_then(parse_length)
                    .ok_or(reply::BAD_FORMAT)?,
            ),
            _ => None,
        };
        Self::parse_flags(key, words, data_length).map_err(|text| match verb {
            Verb::Get | Verb::Set | Verb::Debug => text,
            Verb::Delete | Verb::Arithmetic => reply::BAD_META_FLAG,
        })
    }

    /// `me` looks at nothing but a `b` right after the key.
    fn parse_debug(key: &'a [u8], mut words: Words<'a>) -> Result<Self, &'static [u8]> {
        let key = if words.next() == Some(b"b") {
            Key::decode(key).ok_or(reply::BAD_FORMAT)?
        } else {
            Key::Plain(key)
        };
        Ok(Self {
            key,
            flags: Flags::default(),
            words,
            data_length: None,
        })
    }

    fn parse_flags(
        key: &'a [u8],
        words: Words<'a>,
        data_length: Option<usize>,
    ) -> Result<Self, &'static [u8]> {
        let mut flags = Flags::default();
        let mut seen = 0_u128;
        let mut complaint = None;
        for word in words.clone() {
            let letter = word[0];
            if letter >= 127 || seen >> letter & 1 != 0 {
                return Err(reply::DUPLICATE_META_FLAG);
            }
            seen |= 1 << letter;
            if letter == b'b' && Key::decode(key).is_none() {
                complaint = Some(reply::BAD_META_KEY);
            }
            match flags.note(letter, &word[1..]) {
                Ok(()) => {}
                // memcached has no words of its own for this one.
                Err(Mistake::ClientFlags) => complaint = complaint.or(Some(reply::BAD_FORMAT)),
                Err(Mistake::Argument(text)) => complaint = Some(text),
                Err(Mistake::Letter) => return Err(reply::INVALID_META_FLAG),
            }
        }
        if let Some(text) = complaint {
            return Err(text);
        }
        let key = if flags.binary_key {
            Key::decode(key).ok_or(reply::BAD_META_KEY)?
        } else {
            Key::Plain(key)
        };
        Ok(Self {
            key,
            flags,
            words,
            data_length,
        })
    }
}

/// What is wrong with a flag.
enum Mistake {
    Letter,
    ClientFlags,
    Argument(&'static [u8]),
}

impl Flags {
    fn note(&mut self, letter: u8, argument: &[u8]) -> Result<(), Mistake> {
        match letter {
            b'b' => self.binary_key = true,
            b'N' => self.vivify = Some(time(argument)?),
            b'T' => self.exptime = Some(time(argument)?),
            b'R' => self.recache = Some(time(argument)?),
            b'v' => self.value = true,
            b'u' => self.no_update = true,
            b'q' => self.quiet = true,
            b'I' => self.invalidate = true,
            b'F' => self.client_flags = parse_u32(argument).ok_or(Mistake::ClientFlags)?,
            b'C' => self.compare = Some(number(argument, reply::BAD_META_ARGUMENT)?),
            b'J' => self.initial = number(argument, reply::BAD_META_INITIAL)?,
            b'D' => self.delta = Some(number(argument, reply::BAD_META_DELTA)?),
            b'M' => match argument {
                [mode] => self.mode = Some(*mode),
                _ => return Err(Mistake::Argument(reply::BAD_META_MODE_LENGTH)),
            },
            b'O' | b'P' | b'L' | b'k' | b's' | b't' | b'c' | b'f' | b'l' | b'h' => {}
            _ => return Err(Mistake::Letter),
        }
        Ok(())
    }
}

fn time(argument: &[u8]) -> Result<i32, Mistake> {
    parse_i32(argument).ok_or(Mistake::Argument(reply::BAD_META_ARGUMENT))
}

fn number(argument: &[u8], complaint: &'static [u8]) -> Result<u64, Mistake> {
    parse_u64(argument).ok_or(Mistake::Argument(complaint))
}

/// Bytes of the data block of an `ms` with these arguments, however wrong its flags are: a client
/// sends the block in any case. None when there is no telling.
pub(crate) fn data_length(mut words: Words<'_>) -> Option<usize> {
    let arguments = words.clone();
    let key = words.next()?;
    let length = words.next()?;
    if key.len() > KEY_BYTES_MAX || arguments.take(WORDS_MAX + 1).count() > WORDS_MAX {
        return None;
    }
    parse_length(length)
}

fn parse_length(word: &[u8]) -> Option<usize> {
    let length = parse_i32(word)?;
    if length > DATA_LENGTH_MAX {
        return None;
    }
    usize::try_from(length).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(verb: Verb, line: &'static str) -> Result<Request<'static>, &'static [u8]> {
        Request::parse(verb, Words::new(line.as_bytes()))
    }

    #[test]
    fn flags_are_collected() {
        let request = parse(Verb::Get, "key s v T30 N5 R7 C9 F3 q").expect("a valid command");
        let flags = request.flags;
        assert!(flags.value && flags.quiet && !flags.invalidate);
        assert_eq!(
            (flags.exptime, flags.vivify, flags.recache),
            (Some(30), Some(5), Some(7))
        );
        assert_eq!((flags.compare, flags.client_flags), (Some(9), 3));
        assert_eq!(request.words.count(), 8);
    }

    #[test]
    fn base64_keys_are_decoded() {
        let request = parse(Verb::Get, "Zm9v b v").expect("a valid command");
        assert!(request.key.is_binary());
        assert_eq!(request.key.bytes(), b"foo");
        assert_eq!(
            parse(Verb::Debug, "Zm9v b").expect("valid").key.bytes(),
            b"foo"
        );
        assert_eq!(
            parse(Verb::Debug, "Zm9v v b").expect("valid").key.bytes(),
            b"Zm9v"
        );
    }

    #[test]
    fn complaints() {
        for (verb, line, complaint) in [
            (Verb::Get, "", reply::ERROR),
            (Verb::Debug, "", reply::BAD_FORMAT),
            (Verb::Set, "key", reply::BAD_FORMAT),
            (Verb::Set, "key x", reply::BAD_FORMAT),
            (Verb::Set, "key -1", reply::BAD_FORMAT),
            (Verb::Get, "key s s", reply::DUPLICATE_META_FLAG),
            (Verb::Delete, "key s s", reply::BAD_META_FLAG),
            (Verb::Get, "key ?", reply::INVALID_META_FLAG),
            (Verb::Get, "key Tx", reply::BAD_META_ARGUMENT),
            (Verb::Get, "key Fx", reply::BAD_FORMAT),
            (Verb::Get, "k b", reply::BAD_META_KEY),
            (Verb::Set, "key 1 Jx", reply::BAD_META_INITIAL),
            (Verb::Set, "key 1 Dx", reply::BAD_META_DELTA),
            (Verb::Set, "key 1 MEA", reply::BAD_META_MODE_LENGTH),
        ] {
            assert_eq!(parse(verb, line).err(), Some(complaint), "{verb:?} {line}");
        }
    }

    #[test]
    fn the_length_of_the_data_is_known_in_spite_of_bad_flags() {
        let length = |line: &'static str| data_length(Words::new(line.as_bytes()));
        assert_eq!(length("key 5 ? ?"), Some(5));
        assert_eq!(length("key x"), None);
        assert_eq!(length("key -5"), None);
        assert_eq!(length("key"), None);
    }
}
