//! Why the server does not start.

use std::fmt::{self, Display};
use std::process::ExitCode;

/// BSD `sysexits.h`, as memcached uses it.
const EX_USAGE: u8 = 64;
const EX_NOUSER: u8 = 67;
const EX_OSERR: u8 = 71;

/// A message for the user, and the exit status that memcached has for the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    message: String,
    status: u8,
}

impl Failure {
    pub(crate) fn usage(message: &str) -> Self {
        Self {
            message: message.into(),
            status: EX_USAGE,
        }
    }

    pub(crate) fn no_user(message: &str) -> Self {
        Self {
            message: message.into(),
            status: EX_NOUSER,
        }
    }

    /// The system refused to do `action`.
    pub(crate) fn system(action: &str, error: impl Display) -> Self {
        Self {
            message: format!("failed to {action}: {error}"),
            status: EX_OSERR,
        }
    }

    /// The status to exit with.
    pub fn exit_code(&self) -> ExitCode {
        self.status.into()
    }
}

impl Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
