//! `stats` and its sub-commands.

use super::command::Command;
use super::number::parse_u32;
use super::rejection::Rejection;
use super::reply;
use super::words::Words;

/// memcached has class numbers below this.
const CLASSES_MAX: u32 = 64;

/// `stats detail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DetailCommand {
    On,
    Off,
    Dump,
}

/// `stats cachedump`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CacheDump {
    pub(crate) class: u32,
    /// 0 is none.
    pub(crate) limit: u32,
}

/// Which statistics a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatisticsKind {
    /// `stats`.
    General,
    /// `stats settings`.
    Settings,
    /// `stats asc`: the work of the hardening.
    Asc,
    /// `stats items`.
    Items,
    /// `stats slabs`.
    Slabs,
    /// `stats sizes`.
    Sizes,
    /// `stats conns`.
    Connections,
    /// `stats reset`.
    Reset,
}

/// Understands what follows `stats`.
pub(super) fn parse(mut words: Words<'_>) -> Result<Command<'_>, Rejection> {
    let kind = match words.next() {
        None => StatisticsKind::General,
        Some(b"settings") => StatisticsKind::Settings,
        Some(b"asc") => StatisticsKind::Asc,
        Some(b"items") => StatisticsKind::Items,
        Some(b"slabs") => StatisticsKind::Slabs,
        Some(b"sizes") => StatisticsKind::Sizes,
        Some(b"conns") => StatisticsKind::Connections,
        Some(b"reset") => StatisticsKind::Reset,
        Some(b"detail") => return detail(words),
        Some(b"cachedump") => return cachedump(words),
        Some(_) => return Err(Rejection::ERROR),
    };
    Ok(Command::Statistics(kind))
}

fn detail(mut words: Words<'_>) -> Result<Command<'_>, Rejection> {
    match words.next() {
        Some(b"on") => Ok(Command::Detail(DetailCommand::On)),
        Some(b"off") => Ok(Command::Detail(DetailCommand::Off)),
        Some(b"dump") => Ok(Command::Detail(DetailCommand::Dump)),
        _ => Err(Rejection::Reply(reply::STATS_DETAIL_USAGE)),
    }
}

fn cachedump(mut words: Words<'_>) -> Result<Command<'_>, Rejection> {
    let (Some(class), Some(limit)) = (words.next(), words.next()) else {
        return Err(Rejection::Reply(reply::BAD_LINE));
    };
    let (Some(class), Some(limit)) = (parse_u32(class), parse_u32(limit)) else {
        return Err(Rejection::Reply(reply::BAD_FORMAT));
    };
    if class >= CLASSES_MAX {
        return Err(Rejection::Reply(reply::ILLEGAL_CLASS));
    }
    Ok(Command::CacheDump(CacheDump { class, limit }))
}
