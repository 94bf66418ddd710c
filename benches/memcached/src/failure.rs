//! Why nothing was measured, and what to do.

use std::fmt;
use std::io;
use std::path::Path;

/// What was attempted, what came of it and the next step.
#[derive(Debug)]
pub(crate) struct Failure {
    attempt: String,
    found: String,
    next_step: &'static str,
}

impl Failure {
    pub(crate) fn new(
        attempt: impl Into<String>,
        found: impl fmt::Display,
        next_step: &'static str,
    ) -> Self {
        Self {
            attempt: attempt.into(),
            found: found.to_string(),
            next_step,
        }
    }

    /// A file could not be written.
    pub(crate) fn file(path: &Path, error: &impl fmt::Display) -> Self {
        Self::new(
            format!("write {}", path.display()),
            error,
            "check the path and the free disk space",
        )
    }

    /// The server did something that a memcached does not do.
    pub(crate) fn server(name: &str, found: impl fmt::Display) -> Self {
        Self::new(
            format!("drive server `{name}`"),
            found,
            "look at its own message above; start it by hand with the same options",
        )
    }

    /// The kernel does not say what the processors did.
    pub(crate) fn accounting(error: impl fmt::Display) -> Self {
        Self::new(
            "read the processors' accounts below /proc",
            error,
            "run on Linux with /proc mounted",
        )
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(
            "exchange bytes with a server",
            error,
            "look whether the server has ended; `ulimit -n` must allow the connections",
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "to {}: {}", self.attempt, self.found)?;
        write!(formatter, "  to do: {}", self.next_step)
    }
}
