//! A command line, understood.
//!
//! The order of the checks is memcached's, because it decides which of several complaints a
//! client reads and whether `noreply` silences it.

use super::meta::Verb;
use super::number::{parse_i32, parse_u32, parse_u64};
use super::rejection::Rejection;
use super::retrieval::Retrieval;
use super::statistics_command::{self, CacheDump, DetailCommand, StatisticsKind};
use super::storage::{Store, StoreMode};
use super::words::Words;
use super::{KEY_BYTES_MAX, reply};

/// Most words that follow the name of a command without a file of its own.
const ARGUMENTS_MAX: usize = 3;
/// Words of a line that memcached looks at when it does not know the command.
const WORDS_MAX: usize = 23;
const NAME_BYTES_MIN: usize = 2;
const VERBOSITY_MAX: u32 = 2;

/// A command with its arguments.
#[derive(Debug, Clone)]
pub(crate) enum Command<'a> {
    Retrieve(Retrieval<'a>),
    Store(Store<'a>),
    Delete(Delete<'a>),
    Arithmetic(Arithmetic<'a>),
    Touch(Touch<'a>),
    /// A meta command and what follows its name.
    Meta(Verb, Words<'a>),
    /// `mn`.
    MetaNothing,
    FlushAll {
        delay: i32,
        noreply: bool,
    },
    Statistics(StatisticsKind),
    Detail(DetailCommand),
    CacheDump(CacheDump),
    /// About the server: see [`super::administration`].
    Administration,
    Version,
    Verbosity {
        level: u32,
        noreply: bool,
    },
    Quit,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Delete<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) noreply: bool,
}

/// `incr` or `decr`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arithmetic<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) direction: Direction,
    pub(crate) delta: u64,
    pub(crate) noreply: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Increment,
    Decrement,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Touch<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) exptime: i32,
    pub(crate) noreply: bool,
}

impl<'a> Command<'a> {
    /// Understands a line without its end.
    pub(crate) fn parse(line: &'a [u8]) -> Result<Self, Rejection> {
        let mut words = Words::new(line);
        let name = words.next().unwrap_or_default();
        if name.len() < NAME_BYTES_MIN {
            return Err(Rejection::ERROR);
        }
        match name {
            b"get" | b"bget" => Retrieval::parse(words, false).map(Self::Retrieve),
            b"gets" => Retrieval::parse(words, true).map(Self::Retrieve),
            b"gat" => Retrieval::parse_touching(words, false).map(Self::Retrieve),
            b"gats" => Retrieval::parse_touching(words, true).map(Self::Retrieve),
            b"set" => Store::parse(words, StoreMode::Set).map(Self::Store),
            b"add" => Store::parse(words, StoreMode::Add).map(Self::Store),
            b"replace" => Store::parse(words, StoreMode::Replace).map(Self::Store),
            b"append" => Store::parse(words, StoreMode::Append).map(Self::Store),
            b"prepend" => Store::parse(words, StoreMode::Prepend).map(Self::Store),
            b"cas" => Store::parse(words, StoreMode::Cas(0)).map(Self::Store),
            b"mg" => Ok(Self::Meta(Verb::Get, words)),
            b"ms" => Ok(Self::Meta(Verb::Set, words)),
            b"md" => Ok(Self::Meta(Verb::Delete, words)),
            b"ma" => Ok(Self::Meta(Verb::Arithmetic, words)),
            b"me" => Ok(Self::Meta(Verb::Debug, words)),
            b"mn" => Ok(Self::MetaNothing),
            b"delete" => delete(words),
            b"incr" => arithmetic(words, Direction::Increment),
            b"decr" => arithmetic(words, Direction::Decrement),
            b"touch" => touch(words),
            b"flush_all" => flush_all(words),
            b"stats" => statistics_command::parse(words),
            b"version" => Ok(Self::Version),
            b"verbosity" => verbosity(words),
            b"quit" => Ok(Self::Quit),
            b"shutdown" | b"cache_memlimit" | b"lru" | b"lru_crawler" | b"slabs" | b"watch"
            | b"debugtime" => Ok(Self::Administration),
            _ => Err(unknown(line, name)),
        }
    }

    /// The first key of the line, by which a worker chooses the shard to try first.
    pub(crate) fn first_key(&self) -> Option<&'a [u8]> {
        match self {
            Self::Retrieve(retrieval) => retrieval.keys.clone().next(),
            Self::Store(store) => Some(store.key),
            Self::Delete(delete) => Some(delete.key),
            Self::Arithmetic(arithmetic) => Some(arithmetic.key),
            Self::Touch(touch) => Some(touch.key),
            Self::Meta(_, words) => words.clone().next(),
            _ => None,
        }
    }
}

/// The words after the name of a command.
struct Arguments<'a> {
    words: [&'a [u8]; ARGUMENTS_MAX],
    /// How many there are; may be more than fit into `words`.
    count: usize,
}

impl<'a> Arguments<'a> {
    fn new(words: Words<'a>, allowed: std::ops::RangeInclusive<usize>) -> Result<Self, Rejection> {
        let mut arguments = Self {
            words: [b""; ARGUMENTS_MAX],
            count: 0,
        };
        for word in words {
            if let Some(place) = arguments.words.get_mut(arguments.count) {
                *place = word;
            }
            arguments.count += 1;
            if arguments.count > *allowed.end() {
                return Err(Rejection::ERROR);
            }
        }
        if allowed.contains(&arguments.count) {
            Ok(arguments)
        } else {
            Err(Rejection::ERROR)
        }
    }

    /// Whether the last word is `noreply`, wherever it stands.
    fn noreply(&self) -> bool {
        self.count > 0 && self.words[self.count - 1] == b"noreply"
    }
}

fn delete(words: Words<'_>) -> Result<Command<'_>, Rejection> {
    let arguments = Arguments::new(words, 1..=3)?;
    let [key, time, ..] = arguments.words;
    let noreply = arguments.count > 1 && arguments.noreply();
    let valid = match arguments.count {
        1 => true,
        2 => time == b"0" || noreply,
        _ => time == b"0" && noreply,
    };
    if !valid {
        return Err(Rejection::reply_unless(noreply, reply::BAD_DELETE));
    }
    require_key(key, noreply)?;
    Ok(Command::Delete(Delete { key, noreply }))
}

fn arithmetic(words: Words<'_>, direction: Direction) -> Result<Command<'_>, Rejection> {
    let arguments = Arguments::new(words, 2..=3)?;
    let noreply = arguments.noreply();
    let [key, delta, ..] = arguments.words;
    require_key(key, noreply)?;
    let delta = parse_u64(delta).ok_or(Rejection::reply_unless(noreply, reply::BAD_DELTA))?;
    Ok(Command::Arithmetic(Arithmetic {
        key,
        direction,
        delta,
        noreply,
    }))
}

fn touch(words: Words<'_>) -> Result<Command<'_>, Rejection> {
    let arguments = Arguments::new(words, 2..=3)?;
    let noreply = arguments.noreply();
    let [key, exptime, ..] = arguments.words;
    require_key(key, noreply)?;
    let exptime = parse_i32(exptime).ok_or(Rejection::reply_unless(noreply, reply::BAD_EXPTIME))?;
    Ok(Command::Touch(Touch {
        key,
        exptime,
        noreply,
    }))
}

fn flush_all(words: Words<'_>) -> Result<Command<'_>, Rejection> {
    let arguments = Arguments::new(words, 0..=2)?;
    let noreply = arguments.noreply();
    let delay = if arguments.count == usize::from(noreply) {
        0
    } else {
        parse_i32(arguments.words[0]).ok_or(Rejection::reply_unless(noreply, reply::BAD_EXPTIME))?
    };
    Ok(Command::FlushAll { delay, noreply })
}

fn verbosity(words: Words<'_>) -> Result<Command<'_>, Rejection> {
    let arguments = Arguments::new(words, 1..=2)?;
    let noreply = arguments.noreply();
    let level =
        parse_u32(arguments.words[0]).ok_or(Rejection::reply_unless(noreply, reply::BAD_FORMAT))?;
    Ok(Command::Verbosity {
        level: level.min(VERBOSITY_MAX),
        noreply,
    })
}

fn require_key(key: &[u8], noreply: bool) -> Result<(), Rejection> {
    if key.len() > KEY_BYTES_MAX {
        return Err(Rejection::reply_unless(noreply, reply::BAD_FORMAT));
    }
    Ok(())
}

/// A browser that talks to the cache is cut off. memcached does not look whether it is one when
/// the name begins like one of its frequent commands.
fn unknown(line: &[u8], name: &[u8]) -> Rejection {
    let looks_frequent = b"gsacidt".contains(&name[0]) || (name[0] == b'm' && name.len() == 2);
    let last = Words::new(line).take(WORDS_MAX).last().unwrap_or_default();
    if !looks_frequent && last.starts_with(b"HTTP/") {
        Rejection::Hangup
    } else {
        Rejection::ERROR
    }
}
