//! The same outcomes under the names of RocksDB's CPU corruption injector, for comparison with it.
//!
//! Its own words (facebook/rocksdb, pull request 14866): NO_EFFECT is silently absorbed, CRASH ends the
//! process, CORRUPTION is caught by an integrity check, SDC slips through. It knows no hangs and no
//! correction: a hang is counted here as ERROR, since the run never came to a verdict, and a corrected
//! fault as CORRUPTION, since a check caught it. NO_INJECTION are planned faults without a result.

use super::tally::Tally;
use serde::{Deserialize, Serialize};

/// Counts by RocksDB's names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub struct Buckets {
    /// A wrong reply or a wrong state that nobody was told of.
    pub sdc: u64,
    /// Caught by a check, of the runtime or of the receiver.
    pub corruption: u64,
    /// The process died.
    pub crash: u64,
    /// Nothing came of it.
    pub no_effect: u64,
    /// Planned, but not injected.
    pub no_injection: u64,
    /// Hung.
    pub error: u64,
}

impl Buckets {
    /// The tally of a campaign with so many planned injections.
    pub fn new(tally: &Tally, planned: u64) -> Self {
        Self {
            sdc: tally.undetected(),
            corruption: tally.detected + tally.corrected + tally.caught_at_receiver,
            crash: tally.crashed,
            no_effect: tally.masked,
            no_injection: planned.saturating_sub(tally.injections()),
            error: tally.hung,
        }
    }

    /// Names and counts, in RocksDB's order.
    pub fn named(&self) -> [(&'static str, u64); 6] {
        [
            ("SDC", self.sdc),
            ("CORRUPTION", self.corruption),
            ("CRASH", self.crash),
            ("NO_EFFECT", self.no_effect),
            ("NO_INJECTION", self.no_injection),
            ("ERROR", self.error),
        ]
    }
}
