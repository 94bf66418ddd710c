//! Whether a strike may be behind what a server does.
//!
//! What nobody has struck must work. So whatever a server reports, and every end of it, needs a strike that
//! explains it: an explanation is a recent strike, or, for what shows late by its nature, any strike of
//! this life.

use std::time::{Duration, Instant};

/// A strike has been dealt with so long afterwards: a handler takes milliseconds, and a process that stops has two
/// seconds for its last words.
pub(super) const SETTLED: Duration = Duration::from_secs(3);

/// What strikes can be blamed for at a moment of a server's life, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Blame {
    /// For nothing: there was none in this life.
    Unstruck,
    /// For what shows late only: the last one has been dealt with.
    Settled,
    /// For anything.
    Struck,
}

/// When something shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shows {
    /// While the struck handler is executed, or right behind it.
    Soon,
    /// At any time: a wrong bit in memory at rest is found when somebody reads it or the scrubber comes by, and
    /// a thread that hangs is noticed when its clients have waited for seconds.
    Late,
}

impl Blame {
    /// `last` is when this life was struck last.
    pub(super) fn at(now: Instant, last: Option<Instant>) -> Self {
        match last {
            None => Self::Unstruck,
            Some(last) if now.saturating_duration_since(last) > SETTLED => Self::Settled,
            Some(_) => Self::Struck,
        }
    }

    /// Whether a strike may be behind what shows so.
    pub(super) fn explains(self, shows: Shows) -> bool {
        match self {
            Self::Unstruck => false,
            Self::Settled => shows == Shows::Late,
            Self::Struck => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strike_explains_what_follows_soon_and_what_shows_late() {
        let last = Instant::now();
        let soon = last + SETTLED / 2;
        let later = last + SETTLED * 2;
        let explained =
            |blame: Blame| [Shows::Soon, Shows::Late].map(|shows| blame.explains(shows));
        assert_eq!(explained(Blame::at(soon, Some(last))), [true, true]);
        assert_eq!(explained(Blame::at(later, Some(last))), [false, true]);
        assert_eq!(explained(Blame::at(later, None)), [false, false]);
    }
}
