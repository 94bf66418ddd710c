//! Why there is no report: which file and line, what was wanted, what came and what to do.

use crate::failure::Failure;
use std::fmt;

/// Why there is no report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportError {
    place: String,
    wanted: String,
    found: String,
    next_step: String,
}

impl ReportError {
    /// About a line of a file, counted from 1.
    pub(super) fn line(
        file: &str,
        line: u64,
        wanted: impl Into<String>,
        found: impl Into<String>,
        next_step: impl Into<String>,
    ) -> Self {
        Self {
            place: format!("{file}:{line}: "),
            wanted: wanted.into(),
            found: found.into(),
            next_step: next_step.into(),
        }
    }

    /// About a whole file.
    pub(super) fn file(
        file: &str,
        wanted: impl Into<String>,
        found: impl Into<String>,
        next_step: impl Into<String>,
    ) -> Self {
        Self {
            place: format!("{file}: "),
            wanted: wanted.into(),
            found: found.into(),
            next_step: next_step.into(),
        }
    }

    /// The same as an error of a command.
    pub fn into_failure(self) -> Failure {
        let wanted = format!("{}{}", self.place, self.wanted);
        Failure::new(wanted, self.found, self.next_step)
    }

    pub(super) fn nothing_given() -> Self {
        Self {
            place: String::new(),
            wanted: "at least one result file".to_owned(),
            found: "neither a plain nor a hardened one".to_owned(),
            next_step: "give --plain FILE, --hardened FILE or both; `asc-inject run` writes them"
                .to_owned(),
        }
    }
}

impl fmt::Display for ReportError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place,
            wanted,
            found,
            next_step,
        } = self;
        write!(
            formatter,
            "{place}wanted {wanted}, got {found}\nto do: {next_step}"
        )
    }
}

impl std::error::Error for ReportError {}
