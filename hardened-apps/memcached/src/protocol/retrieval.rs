//! `get`, `gets`, `gat`, `gats`.

use super::number::parse_i32;
use super::rejection::Rejection;
use super::reply;
use super::words::Words;

/// `get`, `gets`; with a time `gat`, `gats`.
#[derive(Debug, Clone)]
pub(crate) struct Retrieval<'a> {
    pub(crate) keys: Words<'a>,
    pub(crate) with_cas: bool,
    pub(crate) exptime: Option<i32>,
}

impl<'a> Retrieval<'a> {
    /// Understands what follows `get` or `gets`.
    #[inline]
    pub(crate) fn parse(keys: Words<'a>, with_cas: bool) -> Result<Self, Rejection> {
        if keys.is_empty() {
            return Err(Rejection::ERROR);
        }
        Ok(Self {
            keys,
            with_cas,
            exptime: None,
        })
    }

    /// Understands what follows `gat` or `gats`.
    pub(super) fn parse_touching(mut words: Words<'a>, with_cas: bool) -> Result<Self, Rejection> {
        let exptime = words.next().ok_or(Rejection::ERROR)?;
        let exptime = parse_i32(exptime).ok_or(Rejection::Reply(reply::BAD_EXPTIME))?;
        Ok(Self {
            keys: words,
            with_cas,
            exptime: Some(exptime),
        })
    }
}
