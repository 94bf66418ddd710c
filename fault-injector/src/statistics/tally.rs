//! Outcomes, counted.

use crate::results::Outcome;
use serde::{Deserialize, Serialize};

/// How often each outcome came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// A wrong reply left with a valid checksum.
    pub sdc: u64,
    /// The replies were right, the final state was not.
    pub latent_sdc: u64,
    /// A wrong reply left, but its checksum tells.
    pub caught_at_receiver: u64,
    /// The process died.
    pub crashed: u64,
    /// The process did not finish.
    pub hung: u64,
    /// The runtime saw it.
    pub detected: u64,
    /// The runtime saw it and put it right.
    pub corrected: u64,
    /// No effect.
    pub masked: u64,
}

impl Tally {
    /// The outcomes in the order of the reports, worst first.
    pub const ORDER: [Outcome; 8] = [
        Outcome::Sdc,
        Outcome::LatentSdc,
        Outcome::Hung,
        Outcome::Crashed,
        Outcome::CaughtAtReceiver,
        Outcome::Detected,
        Outcome::Corrected,
        Outcome::Masked,
    ];

    /// Counts one more.
    pub fn add(&mut self, outcome: Outcome) {
        *self.slot(outcome) += 1;
    }

    /// Counts all of another tally.
    pub fn merge(&mut self, other: &Self) {
        for outcome in Self::ORDER {
            *self.slot(outcome) += other.of(outcome);
        }
    }

    /// How often this outcome came.
    pub fn of(&self, outcome: Outcome) -> u64 {
        let mut copy = *self;
        *copy.slot(outcome)
    }

    /// All outcomes together.
    pub fn injections(&self) -> u64 {
        Self::ORDER.iter().map(|outcome| self.of(*outcome)).sum()
    }

    /// Silent corruption of either kind: nobody was told.
    pub fn undetected(&self) -> u64 {
        self.sdc + self.latent_sdc
    }

    fn slot(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Sdc => &mut self.sdc,
            Outcome::LatentSdc => &mut self.latent_sdc,
            Outcome::CaughtAtReceiver => &mut self.caught_at_receiver,
            Outcome::Crashed => &mut self.crashed,
            Outcome::Hung => &mut self.hung,
            Outcome::Detected => &mut self.detected,
            Outcome::Corrected => &mut self.corrected,
            Outcome::Masked => &mut self.masked,
        }
    }
}

impl<'a> Extend<&'a Tally> for Tally {
    fn extend<T: IntoIterator<Item = &'a Tally>>(&mut self, tallies: T) {
        tallies.into_iter().for_each(|tally| self.merge(tally));
    }
}

/// Whether nobody was told of a wrong result.
pub const fn is_undetected(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Sdc | Outcome::LatentSdc)
}

/// The outcome's name in tables and charts.
pub const fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Sdc => "wrong reply sent",
        Outcome::LatentSdc => "wrong state kept",
        Outcome::CaughtAtReceiver => "caught at receiver",
        Outcome::Crashed => "crashed",
        Outcome::Hung => "hung",
        Outcome::Detected => "detected",
        Outcome::Corrected => "corrected",
        Outcome::Masked => "no effect",
    }
}
