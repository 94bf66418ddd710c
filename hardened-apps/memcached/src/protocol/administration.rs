//! Commands about the server itself: limits, the LRU, the crawler, its end.
//!
//! A handler only says that a line is one of these. The server, which knows what they are about,
//! reads the line again and acts.

use super::class_selection::ClassSelection;
use super::number::{parse_i32, parse_u32};
use super::reply;
use super::words::Words;

/// Megabytes that `cache_memlimit` accepts.
const MEGABYTES_MIN: u32 = 8;
const MEGABYTES_MAX: u32 = 1_000_000_000;
const CRAWLER_SLEEP_MICROSECONDS_MAX: u32 = 1_000_000;
/// HOT and WARM together.
const PERCENT_MAX: u32 = 80;

/// What an administrator wants.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Administration<'a> {
    Shutdown {
        graceful: bool,
    },
    MemoryLimit {
        megabytes: u32,
    },
    LruTune {
        hot: u32,
        warm: u32,
        hot_factor: f64,
        warm_factor: f64,
    },
    LruMode {
        segmented: bool,
    },
    /// `None` switches temporary items off.
    LruTemporary {
        seconds: Option<u32>,
    },
    CrawlerSwitch {
        on: bool,
    },
    CrawlerSleep {
        microseconds: u32,
    },
    CrawlerToCrawl {
        items: u32,
    },
    /// Look for dead items.
    Crawl {
        classes: ClassSelection,
    },
    /// Write down the items.
    Dump {
        classes: ClassSelection,
    },
    /// Only memcached's own tests use it: set the clock forward, stop it, let it go on.
    DebugTime {
        argument: &'a [u8],
    },
    /// Nothing to do.
    Ignore,
}

/// A reply instead of an action, and whether `noreply` silences it.
pub(crate) type Complaint = &'static [u8];

impl<'a> Administration<'a> {
    /// Understands a line without its end; also says whether the client wants no reply.
    pub(crate) fn parse(line: &'a [u8]) -> (Result<Self, Complaint>, bool) {
        let mut words = Words::new(line);
        let name = words.next().unwrap_or_default();
        let all: Vec<&[u8]> = words.collect();
        let noreply = all.last() == Some(&&b"noreply"[..]);
        match name {
            b"shutdown" => (shutdown(&all), false),
            b"cache_memlimit" => (memory_limit(&all), noreply),
            b"lru" => (lru(&all), noreply),
            b"lru_crawler" => (crawler(&all), false),
            b"slabs" => slabs(&all, noreply),
            b"watch" => (Err(reply::WATCH_NOT_ALLOWED), noreply),
            b"debugtime" => match all.first() {
                Some(argument) => (Ok(Self::DebugTime { argument }), false),
                None => (Err(reply::ERROR), false),
            },
            _ => (Err(reply::ERROR), false),
        }
    }
}

fn shutdown<'a>(words: &[&[u8]]) -> Result<Administration<'a>, Complaint> {
    match words {
        [] => Ok(Administration::Shutdown { graceful: false }),
        [b"graceful"] => Ok(Administration::Shutdown { graceful: true }),
        _ => Err(reply::BAD_SHUTDOWN_MODE),
    }
}

fn memory_limit<'a>(words: &[&[u8]]) -> Result<Administration<'a>, Complaint> {
    if !(1..=2).contains(&words.len()) {
        return Err(reply::ERROR);
    }
    match parse_u32(words[0]).ok_or(reply::ERROR)? {
        0..MEGABYTES_MIN => Err(reply::MEMORY_LIMIT_TOO_SMALL),
        MEGABYTES_MIN..=MEGABYTES_MAX => Ok(Administration::MemoryLimit {
            megabytes: parse_u32(words[0]).ok_or(reply::ERROR)?,
        }),
        _ => Err(reply::MEMORY_LIMIT_IN_BYTES),
    }
}

fn lru<'a>(words: &[&[u8]]) -> Result<Administration<'a>, Complaint> {
    match words {
        [] => Err(reply::ERROR),
        [b"tune", hot, warm, hot_factor, warm_factor, ..] => {
            let numbers = (
                parse_u32(hot),
                parse_u32(warm),
                decimal(hot_factor),
                decimal(warm_factor),
            );
            let (Some(hot), Some(warm), Some(hot_factor), Some(warm_factor)) = numbers else {
                return Err(reply::ERROR);
            };
            if hot.saturating_add(warm) > PERCENT_MAX {
                return Err(reply::LRU_PERCENT_TOO_LARGE);
            }
            if hot_factor <= 0.0 || warm_factor <= 0.0 {
                return Err(reply::LRU_FACTOR_TOO_SMALL);
            }
            Ok(Administration::LruTune {
                hot,
                warm,
                hot_factor,
                warm_factor,
            })
        }
        [b"mode", b"flat", ..] => Ok(Administration::LruMode { segmented: false }),
        [b"mode", b"segmented", ..] => Ok(Administration::LruMode { segmented: true }),
        [b"temp_ttl", seconds, ..] => {
            let seconds = parse_i32(seconds).ok_or(reply::ERROR)?;
            Ok(Administration::LruTemporary {
                seconds: u32::try_from(seconds).ok(),
            })
        }
        _ => Err(reply::ERROR),
    }
}

fn crawler<'a>(words: &[&[u8]]) -> Result<Administration<'a>, Complaint> {
    match words {
        [b"crawl", classes] => Ok(Administration::Crawl {
            classes: ClassSelection::parse(classes).ok_or(reply::BAD_CLASS)?,
        }),
        [b"metadump", classes] => Ok(Administration::Dump {
            classes: ClassSelection::parse(classes).ok_or(reply::BAD_CLASS)?,
        }),
        [b"tocrawl", items] => Ok(Administration::CrawlerToCrawl {
            items: parse_u32(items).ok_or(reply::BAD_FORMAT)?,
        }),
        [b"sleep", microseconds] => match parse_u32(microseconds).ok_or(reply::BAD_FORMAT)? {
            microseconds @ ..=CRAWLER_SLEEP_MICROSECONDS_MAX => {
                Ok(Administration::CrawlerSleep { microseconds })
            }
            _ => Err(reply::CRAWLER_SLEEP_TOO_LONG),
        },
        [b"enable"] => Ok(Administration::CrawlerSwitch { on: true }),
        [b"disable"] => Ok(Administration::CrawlerSwitch { on: false }),
        _ => Err(reply::ERROR),
    }
}

/// There are no slabs: nothing can be stuck in one and nothing has to be moved.
fn slabs<'a>(words: &[&[u8]], noreply: bool) -> (Result<Administration<'a>, Complaint>, bool) {
    match words {
        [b"reassign", _, _] => (Err(reply::SLAB_REASSIGN_DISABLED), false),
        [b"automove", b"ratio", ratio, ..] => (
            decimal(ratio)
                .map(|_| Administration::Ignore)
                .ok_or(reply::ERROR),
            noreply,
        ),
        [b"automove", level, ..] => {
            let done = match parse_u32(level) {
                Some(0..=2) => Ok(Administration::Ignore),
                Some(_) => Err(reply::ERROR),
                None => Err(reply::BAD_FORMAT),
            };
            (done, noreply)
        }
        _ => (Err(reply::ERROR), false),
    }
}

fn decimal(word: &[u8]) -> Option<f64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Administration<'_>, Complaint> {
        Administration::parse(line.as_bytes()).0
    }

    #[test]
    fn administrators_are_understood() {
        assert_eq!(
            parse("shutdown"),
            Ok(Administration::Shutdown { graceful: false })
        );
        assert_eq!(
            parse("shutdown graceful"),
            Ok(Administration::Shutdown { graceful: true })
        );
        assert_eq!(
            parse("cache_memlimit 8"),
            Ok(Administration::MemoryLimit { megabytes: 8 })
        );
        assert_eq!(
            parse("lru mode flat"),
            Ok(Administration::LruMode { segmented: false })
        );
        assert_eq!(
            parse("lru temp_ttl -1"),
            Ok(Administration::LruTemporary { seconds: None })
        );
        assert_eq!(
            parse("lru tune 10 25 0.1 2.0"),
            Ok(Administration::LruTune {
                hot: 10,
                warm: 25,
                hot_factor: 0.1,
                warm_factor: 2.0
            })
        );
        assert_eq!(
            parse("lru_crawler crawl all"),
            Ok(Administration::Crawl {
                classes: ClassSelection::ALL
            })
        );
        assert_eq!(parse("slabs automove 1"), Ok(Administration::Ignore));
    }

    #[test]
    fn complaints() {
        for (line, complaint) in [
            ("shutdown now", reply::BAD_SHUTDOWN_MODE),
            ("cache_memlimit", reply::ERROR),
            ("cache_memlimit 7", reply::MEMORY_LIMIT_TOO_SMALL),
            ("cache_memlimit 1000000001", reply::MEMORY_LIMIT_IN_BYTES),
            ("lru tune 50 50 0.1 2.0", reply::LRU_PERCENT_TOO_LARGE),
            ("lru tune 10 25 0 2.0", reply::LRU_FACTOR_TOO_SMALL),
            ("lru_crawler sleep 1000001", reply::CRAWLER_SLEEP_TOO_LONG),
            ("slabs reassign 1 2", reply::SLAB_REASSIGN_DISABLED),
            ("slabs automove 7", reply::ERROR),
            ("watch", reply::WATCH_NOT_ALLOWED),
        ] {
            assert_eq!(parse(line), Err(complaint), "{line}");
        }
    }
}
