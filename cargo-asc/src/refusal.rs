//! A refusal: why `cargo asc` stops, and what to do about it.
//!
//! Every error of this tool is one `Refusal`. It carries both sides (what was
//! wanted, what was found), the next step for the reader, and the exit status
//! that scripts can rely on. The statuses are part of `cargo asc --help`.

use std::fmt;
use std::path::Path;

/// The kinds of refusal, one exit status each. Cargo's own exit status is
/// passed on unchanged when cargo itself fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The host or the wanted target is not x86_64-unknown-linux-gnu.
    UnsupportedTarget = 80,
    /// The toolchain lacks something: rust-lld, bitcode in std, one LLVM version.
    UnsuitableToolchain = 81,
    /// The instrumented standard library could not be built.
    SysrootFailed = 82,
    /// The instrumented standard library was built but does not work.
    ProbeFailed = 83,
    /// A setting of the user contradicts a hardened build.
    ConflictingSetting = 84,
    /// A file or a program that is needed could not be used.
    Environment = 85,
}

/// Why `cargo asc` stops.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) cause: Cause,
    wanted: String,
    found: String,
    next_step: String,
}

impl Refusal {
    /// A refusal saying what was wanted, what was found and what to do next.
    pub(crate) fn new(
        cause: Cause,
        wanted: impl Into<String>,
        found: impl Into<String>,
        next_step: impl Into<String>,
    ) -> Self {
        Self {
            cause,
            wanted: wanted.into(),
            found: found.into(),
            next_step: next_step.into(),
        }
    }

    /// A file system operation on `path` failed.
    pub(crate) fn file(action: &str, path: &Path, error: &std::io::Error) -> Self {
        Self::new(
            Cause::Environment,
            format!("{action} {}", path.display()),
            error.to_string(),
            "check the path, its permissions and the free disk space; ASC_CACHE_DIR moves the cache",
        )
    }

    /// A program could not be started.
    pub(crate) fn program(name: &Path, error: &std::io::Error) -> Self {
        Self::new(
            Cause::Environment,
            format!("run {}", name.display()),
            error.to_string(),
            "install it, or put it on PATH",
        )
    }

    /// What was found in place of what was wanted.
    pub(crate) fn found(&self) -> &str {
        self.found.trim_end()
    }

    /// What to do about it.
    pub(crate) fn next_step(&self) -> &str {
        &self.next_step
    }

    /// The exit status of the process that reports this refusal.
    pub(crate) fn exit_status(&self) -> u8 {
        self.cause as u8
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "cargo asc stops here (exit status {})",
            self.exit_status()
        )?;
        writeln!(formatter, "  wanted: {}", self.wanted)?;
        writeln!(
            formatter,
            "  found:  {}",
            self.found.trim_end().replace('\n', "\n          ")
        )?;
        write!(formatter, "  to do:  {}", self.next_step)
    }
}

impl std::error::Error for Refusal {}
