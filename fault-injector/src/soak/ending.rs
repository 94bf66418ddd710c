//! How a life ended, and whether a strike explains it.

use super::blame::{Blame, Shows};
use super::watch::AT_REST;
use crate::results::Outcome;

/// How a life ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// With the soak.
    InTime,
    /// With a reply that its client knows to be wrong.
    WrongReply,
    /// By itself, or because nothing came any more; in words, how.
    Early(Outcome, String),
}

impl Ending {
    /// Its class, as the tally names it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::InTime => "soak over",
            Self::WrongReply => "wrong reply",
            Self::Early(Outcome::Detected, _) => "detected",
            Self::Early(Outcome::Hung, _) => "hung",
            Self::Early(..) => "crashed",
        }
    }

    /// In words, if no strike explains it. `blame` is that of the moment when the end was noticed.
    pub(super) fn unprovoked(&self, blame: Blame) -> Option<String> {
        let Self::Early(outcome, detail) = self else {
            return None;
        };
        let is_late = *outcome == Outcome::Hung || detail.starts_with(AT_REST);
        let shows = if is_late { Shows::Late } else { Shows::Soon };
        (!blame.explains(shows)).then(|| format!("{}: {detail}", self.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn early(outcome: Outcome, detail: &str) -> Ending {
        Ending::Early(outcome, detail.to_owned())
    }

    #[test]
    fn every_early_end_of_a_server_that_was_never_struck_is_unprovoked() {
        for (outcome, detail, told) in [
            (Outcome::Detected, "compare: x", "detected: compare: x"),
            (Outcome::Detected, "integrity: x", "detected: integrity: x"),
            (Outcome::Crashed, "SIGSEGV", "crashed: SIGSEGV"),
            (Outcome::Hung, "no reply", "hung: no reply"),
        ] {
            let unprovoked = early(outcome, detail).unprovoked(Blame::Unstruck);
            assert_eq!(unprovoked.as_deref(), Some(told));
        }
        assert_eq!(Ending::InTime.unprovoked(Blame::Unstruck), None);
    }

    #[test]
    fn in_the_calm_only_what_shows_late_is_explained() {
        let explained =
            |outcome, detail| early(outcome, detail).unprovoked(Blame::Settled).is_none();
        assert!(!explained(Outcome::Detected, "compare: x"));
        assert!(!explained(Outcome::Crashed, "SIGSEGV"));
        assert!(explained(Outcome::Detected, "integrity: x"));
        assert!(explained(Outcome::Hung, "no reply"));
        let crashed = early(Outcome::Crashed, "SIGSEGV");
        assert_eq!(crashed.unprovoked(Blame::Struck), None);
    }
}
