//! What was seen in all lives.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::Serialize;

use super::blame::Blame;
use super::ending::Ending;

/// Memory may grow by this much between the halves of a life: evictions leave holes of changing sizes.
pub const GROWTH_BYTES_MAX: u64 = 8 << 20;

const UNANSWERED: &str = "a reply never came";

/// What clients saw.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Reads that found what was stored last.
    pub hits: u64,
    /// Reads that found nothing: it was evicted, deleted or never stored.
    pub misses: u64,
    /// Reads that found nothing because it was over.
    pub expired: u64,
    /// Values stored.
    pub stored: u64,
    /// Connections.
    pub connections: u64,
    /// Connections that ended before a reply had come.
    pub unanswered: u64,
}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.expired += other.expired;
        self.stored += other.stored;
        self.connections += other.connections;
        self.unanswered += other.unanswered;
    }
}

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Tally {
    /// Servers started.
    pub lives: u64,
    /// How lives ended: `detected` (the server stopped itself), `crashed`, `hung` (as a whole, or one of
    /// its workers), `wrong reply`, `soak over`.
    pub ends: BTreeMap<String, u64>,
    /// Ends of lives and connections that no strike explains, in words: of servers that were never struck,
    /// and those in the calm that do not show late by their nature.
    pub unprovoked: BTreeMap<String, u64>,
    /// Calls of the entry that were taken to be struck.
    pub calls: u64,
    /// Bits flipped.
    pub strikes: u64,
    /// Instructions that handlers execute in the longest call, as far as is known.
    pub longest_call: u64,
    /// Behind how many of them a strike was at most.
    pub deepest_strike: u64,
    /// Reports by what was done: `retry`, `drop`, `stop`, `correct`.
    pub incidents: BTreeMap<String, u64>,
    /// Reports that no strike explains.
    pub false_alarms: u64,
    /// What clients saw.
    pub seen: Seen,
    /// Wrong replies, in words.
    pub wrong: Vec<String>,
    /// The longest life, in seconds.
    pub life_seconds_max: f64,
    /// Lives that were long enough to judge their memory.
    pub lives_measured: u64,
    /// The most that memory grew from the first half of a life to the second.
    pub growth_bytes_max: u64,
    /// The most main memory that a server occupied.
    pub resident_bytes_max: u64,
}

impl Tally {
    /// Whether nothing was wrong.
    pub fn passed(&self) -> bool {
        self.wrong.is_empty()
            && self.false_alarms == 0
            && self.unprovoked.is_empty()
            && self.growth_bytes_max <= GROWTH_BYTES_MAX
    }

    /// Counts what the server has reported, and whether a strike explains it.
    pub(super) fn add_report(&mut self, action: String, explained: bool) {
        *self.incidents.entry(action).or_default() += 1;
        self.false_alarms += u64::from(!explained);
    }

    /// Counts how a life ended; `blame` is that of the moment when it was noticed.
    pub(super) fn add_ending(&mut self, ending: &Ending, blame: Blame) {
        *self.ends.entry(ending.name().to_owned()).or_default() += 1;
        if let Some(words) = ending.unprovoked(blame) {
            *self.unprovoked.entry(words).or_default() += 1;
        }
    }

    /// Connections that ended before a reply had come, of a server that has not ended itself: if it was never struck,
    /// there may be none.
    pub(super) fn add_unanswered(&mut self, connections: u64, blame: Blame) {
        if blame == Blame::Unstruck && connections > 0 {
            *self.unprovoked.entry(UNANSWERED.to_owned()).or_default() += connections;
        }
    }

    /// Notes the memory of a life that was long enough.
    pub(super) fn add_growth(&mut self, bytes: u64) {
        self.lives_measured += 1;
        self.growth_bytes_max = self.growth_bytes_max.max(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_reply_needs_a_strike() {
        for (connections, blame, passes) in [
            (0, Blame::Unstruck, true),
            (1, Blame::Settled, true),
            (1, Blame::Unstruck, false),
        ] {
            let mut tally = Tally::default();
            tally.add_unanswered(connections, blame);
            assert_eq!(tally.passed(), passes);
        }
    }

    #[test]
    fn each_kind_of_failure_fails() {
        assert!(Tally::default().passed());
        let wrong = Tally {
            wrong: vec!["another value".to_owned()],
            ..Tally::default()
        };
        let alarmed = Tally {
            false_alarms: 1,
            ..Tally::default()
        };
        let ended = Tally {
            unprovoked: [("crashed: SIGSEGV".to_owned(), 1)].into(),
            ..Tally::default()
        };
        let mut grown = Tally::default();
        grown.add_growth(GROWTH_BYTES_MAX);
        assert!(grown.passed());
        grown.add_growth(GROWTH_BYTES_MAX + 1);
        grown.add_growth(0);
        for tally in [wrong, alarmed, ended, grown] {
            assert!(!tally.passed(), "{tally:?}");
        }
    }
}
