//! `set`, `add`, `replace`, `append`, `prepend`, `cas`.

use super::number::{parse_i32, parse_u32, parse_u64};
use super::rejection::Rejection;
use super::words::Words;
use super::{KEY_BYTES_MAX, reply};

/// memcached adds 2 to the length in an `int`.
const DATA_LENGTH_MAX: i32 = i32::MAX - 2;

/// A storage command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Store<'a> {
    pub(crate) mode: StoreMode,
    pub(crate) key: &'a [u8],
    pub(crate) flags: u32,
    pub(crate) exptime: i32,
    /// Bytes of the data block, without its CRLF.
    pub(crate) length: usize,
    pub(crate) noreply: bool,
}

/// Under which condition to store what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreMode {
    Set,
    Add,
    Replace,
    Append,
    Prepend,
    Cas(u64),
}

impl<'a> Store<'a> {
    /// Understands what follows the name: key, flags, time, length, with `cas` a unique
    /// identifier, and one word more, which should be `noreply`.
    #[inline(always)]
    pub(crate) fn parse(mut words: Words<'a>, mode: StoreMode) -> Result<Self, Rejection> {
        let mut next = || words.next().ok_or(Rejection::ERROR);
        let (key, flags, exptime, length) = (next()?, next()?, next()?, next()?);
        let mut last = length;
        let mode = match mode {
            StoreMode::Cas(_) => {
                last = next()?;
                parse_u64(last).map(StoreMode::Cas)
            }
            mode => Some(mode),
        };
        if let Some(word) = words.next() {
            last = word;
            if words.next().is_some() {
                return Err(Rejection::ERROR);
            }
        }
        // The last word, whatever it is there for.
        let noreply = last == b"noreply";
        let store = || {
            Some(Self {
                mode: mode?,
                key: Some(key).filter(|key| key.len() <= KEY_BYTES_MAX)?,
                flags: parse_u32(flags)?,
                exptime: parse_i32(exptime)?,
                length: parse_i32(length)
                    .filter(|length| *length <= DATA_LENGTH_MAX)
                    .and_then(|length| usize::try_from(length).ok())?,
                noreply,
            })
        };
        store().ok_or(Rejection::reply_unless(noreply, reply::BAD_FORMAT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &[u8], mode: StoreMode) -> Result<Store<'_>, Rejection> {
        Store::parse(Words::new(line), mode)
    }

    #[test]
    fn arguments_are_counted_before_they_are_read() {
        for line in [&b""[..], b"k", b"k 0 0", b"k 0 0 1 noreply more"] {
            assert_eq!(parse(line, StoreMode::Set).err(), Some(Rejection::ERROR));
        }
        let cas = StoreMode::Cas(0);
        assert_eq!(parse(b"k 0 0 1", cas).err(), Some(Rejection::ERROR));
        assert_eq!(parse(b"k x 0 1 2 3 4", cas).err(), Some(Rejection::ERROR));
    }

    #[test]
    fn the_last_word_silences_wherever_it_stands() {
        assert!(parse(b"k 0 0 1 noreply", StoreMode::Set).is_ok_and(|store| store.noreply));
        assert!(parse(b"k 0 0 1 else", StoreMode::Set).is_ok_and(|store| !store.noreply));
        let silent = parse(b"k 0 0 noreply", StoreMode::Set);
        assert_eq!(silent.err(), Some(Rejection::Silence));
        let loud = parse(b"k 0 noreply 1", StoreMode::Set);
        assert_eq!(loud.err(), Some(Rejection::Reply(reply::BAD_FORMAT)));
    }

    #[test]
    fn numbers_have_limits() {
        let long = [&[b'k'; KEY_BYTES_MAX + 1][..], b" 0 0 1"].concat();
        let lines: [&[u8]; 5] = [
            &long,
            b"k -1 0 1",
            b"k 0 x 1",
            b"k 0 0 -1",
            b"k 0 0 2147483646",
        ];
        for line in lines {
            let rejection = parse(line, StoreMode::Set).err();
            assert_eq!(rejection, Some(Rejection::Reply(reply::BAD_FORMAT)));
        }
        let store = parse(b"k 1 -1 2147483645 18446744073709551615", StoreMode::Cas(0));
        let store = store.expect("a storage command");
        assert_eq!(store.mode, StoreMode::Cas(u64::MAX));
        assert_eq!((store.flags, store.exptime), (1, -1));
        assert_eq!(store.length, 2_147_483_645);
    }
}
