//! One line of the report.

use serde::Serialize;

/// What a finding means for hardening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// As it should be.
    Good,
    /// It works, with the limit the finding names.
    Limited,
    /// Hardening needs it and it is not there.
    Missing,
}

impl Verdict {
    /// The word in the table.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Limited => "limited",
            Self::Missing => "missing",
        }
    }
}

/// What was looked at, what was found, what it means and what to do.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) what: &'static str,
    pub(super) found: String,
    pub(super) verdict: Verdict,
    /// Empty when there is nothing to do.
    pub(super) next_step: String,
}

impl Finding {
    /// As it should be.
    pub(super) fn good(what: &'static str, found: impl Into<String>) -> Self {
        Self {
            what,
            found: found.into(),
            verdict: Verdict::Good,
            next_step: String::new(),
        }
    }

    /// It works, but less well; `next_step` improves it.
    pub(super) fn limited(
        what: &'static str,
        found: impl Into<String>,
        next_step: impl Into<String>,
    ) -> Self {
        Self {
            what,
            found: found.into(),
            verdict: Verdict::Limited,
            next_step: next_step.into(),
        }
    }

    /// It does not work; `next_step` mends it.
    pub(super) fn missing(
        what: &'static str,
        found: impl Into<String>,
        next_step: impl Into<String>,
    ) -> Self {
        Self {
            what,
            found: found.into(),
            verdict: Verdict::Missing,
            next_step: next_step.into(),
        }
    }
}
