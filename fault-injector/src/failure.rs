//! Why a campaign cannot go on: what was wanted, what came, what to do next.

use std::fmt;

/// An error for the person at the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    wanted: String,
    found: String,
    remedy: String,
}

/// What most of the injector returns.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// Wanted this, found that; do this next.
    pub fn new(
        wanted: impl Into<String>,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            wanted: wanted.into(),
            found: found.into(),
            remedy: remedy.into(),
        }
    }

    /// A system call that failed.
    pub fn system(wanted: impl Into<String>, error: impl fmt::Display) -> Self {
        Self::new(
            wanted,
            error.to_string(),
            "see that ptrace is allowed (in a container: --cap-add=SYS_PTRACE) and that memory \
             and processes are not exhausted",
        )
    }

    /// A file that could not be used.
    pub fn file(
        wanted: impl Into<String>,
        path: &std::path::Path,
        error: impl fmt::Display,
    ) -> Self {
        Self::new(
            wanted,
            format!("{}: {error}", path.display()),
            "check the path and its permissions",
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "wanted: {}", self.wanted)?;
        writeln!(formatter, " found: {}", self.found)?;
        write!(formatter, "  next: {}", self.remedy)
    }
}

impl std::error::Error for Failure {}
