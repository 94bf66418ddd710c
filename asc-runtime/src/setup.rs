//! What the process does about faults, chosen once at its start.
//!
//! 1. The program may say so ([`Setup`]), before its first handler.
//! 2. The environment has the last word on the policy, so that an operator needs no new build.
//! 3. What is not chosen by the first handler is as [`Setup::new`] has it.

use core::fmt;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::{env, io};

use crate::incident::Incident;
use crate::incident::sinks::{self, Callback, Sinks};
use crate::policy::{self, OnFault, OnFaultError};

/// The policy of handlers that have none of their own: `abort`, `drop` or `retry(n)`.
const ON_FAULT: &str = "ASC_ON_FAULT";
/// A file to which incidents are appended.
const INCIDENT_FILE: &str = "ASC_INCIDENT_FILE";

/// The process-wide policy and the sinks of incidents. Set once, before the first handler.
///
/// The environment variables `ASC_ON_FAULT` (`abort`, `drop` or `retry(n)`) and `ASC_INCIDENT_FILE`
/// (a path) override what the program sets here, and work without it too. What stands in
/// `#[asc_handler(on_fault = …)]` overrides both.
///
/// ```
/// use asc_runtime::{OnFault, Setup};
///
/// Setup::new()
///     .on_fault(OnFault::Retry(3))
///     .on_incident(|incident| eprintln!("{}: {}", incident.handler, incident.fault))
///     .install()?;
/// # Ok::<(), asc_runtime::SetupError>(())
/// ```
#[derive(Default)]
pub struct Setup {
    on_fault: OnFault,
    file: Option<PathBuf>,
    callback: Option<Callback>,
    is_quiet: bool,
}

impl Setup {
    /// Stop at the first fault, and write incidents to standard error.
    pub fn new() -> Self {
        Self::default()
    }

    /// What happens to a struck handler that does not say so itself. [`OnFault::Drop`] applies to
    /// those that return a `Result` whose error can be made of a [`Fault`](crate::Fault); the others
    /// stop the process.
    #[must_use]
    pub fn on_fault(mut self, on_fault: OnFault) -> Self {
        self.on_fault = on_fault;
        self
    }

    /// Appends incidents to a file too, one line each. It is created if it does not exist.
    #[must_use]
    pub fn incident_file(mut self, path: impl AsRef<Path>) -> Self {
        self.file = Some(path.as_ref().to_owned());
        self
    }

    /// Calls `callback` for each incident, on the thread of the struck handler and after the lines
    /// are written.
    ///
    /// If the process is about to stop, the callback has two seconds, and must not count on locks that
    /// the struck handler's caller holds.
    #[must_use]
    pub fn on_incident(mut self, callback: impl Fn(&Incident) + Send + Sync + 'static) -> Self {
        self.callback = Some(Box::new(callback));
        self
    }

    /// Writes nothing to standard error.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.is_quiet = true;
        self
    }

    /// Puts it in force.
    ///
    /// # Errors
    /// If the environment variables cannot be understood, the file cannot be opened, or it is too
    /// late: another call of this function or the first handler came before.
    pub fn install(self) -> Result<(), SetupError> {
        let on_fault = match variable(ON_FAULT) {
            None => self.on_fault,
            Some(text) => match text.to_str().map(str::parse) {
                Some(Ok(on_fault)) => on_fault,
                _ => return Err(SetupError::Environment),
            },
        };
        let path = variable(INCIDENT_FILE).map(PathBuf::from).or(self.file);
        let file = path.map(open).transpose()?;
        let sinks = Sinks {
            stderr: !self.is_quiet,
            file,
            callback: self.callback,
        };
        sinks::install(sinks).map_err(|_| SetupError::TooLate)?;
        policy::set_for_process(on_fault);
        Ok(())
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Setup")
            .field("on_fault", &self.on_fault)
            .field("file", &self.file)
            .field("is_quiet", &self.is_quiet)
            .finish_non_exhaustive()
    }
}

/// A variable of the environment; an empty one counts as none.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn open(path: PathBuf) -> Result<File, SetupError> {
    let opened = OpenOptions::new().append(true).create(true).open(&path);
    opened.map_err(|error| SetupError::File { path, error })
}

/// Why a [`Setup`] is not in force.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// `ASC_ON_FAULT` is none of the policies.
    Environment,
    /// The file for incidents cannot be opened.
    #[non_exhaustive]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A setup is in force already.
    TooLate,
}

impl fmt::Display for SetupError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => write!(formatter, "{ON_FAULT}: {OnFaultError}"),
            Self::File { path, error } => write!(
                formatter,
                "incidents cannot be written to `{}`: {error}; name a file in a directory that \
                 exists and is writable",
                path.display()
            ),
            Self::TooLate => formatter.write_str(
                "the policy is in force already: call `Setup::install` once, before the first \
                 handler runs",
            ),
        }
    }
}

impl core::error::Error for SetupError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::File { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// Puts the environment and the defaults in force unless the program has chosen. Ends the process
/// with a refusal if the environment cannot be understood.
#[cfg_attr(not(asc), allow(dead_code, reason = "for the engines"))]
pub(crate) fn take_effect() {
    if sinks::are_installed() {
        return;
    }
    match Setup::new().install() {
        // Another thread was faster.
        Ok(()) | Err(SetupError::TooLate) => {}
        Err(error) => crate::refuse::refuse(format_args!("{error}")),
    }
}
