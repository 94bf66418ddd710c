//! Runs a program and keeps what it said.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Seconds after which a child hangs; it is killed and fails the test.
const TIMEOUT_SECONDS: &str = "240";
/// Exit status of one that was killed so.
pub(crate) const TIMED_OUT: i32 = 124;

/// Lines of each stream that a failed assertion shows: what was said last explains the end.
const SHOWN_LINES: usize = 4;

/// How a child ended.
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl fmt::Debug for Ended {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ended with {:?}", self.status)?;
        for (stream, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            let lines: Vec<_> = text.lines().collect();
            let last = lines.len().saturating_sub(SHOWN_LINES);
            write!(formatter, "\n  {stream}, {} lines", lines.len())?;
            for line in &lines[last..] {
                write!(formatter, "\n    {line}")?;
            }
        }
        Ok(())
    }
}

/// Runs `program` to its end.
pub(crate) fn run(program: &Path, arguments: &[&str]) -> Ended {
    run_with(program, arguments, &[])
}

/// Runs `program` to its end, with variables in its environment.
pub(crate) fn run_with(program: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let mut command = Command::new("timeout");
    command
        .arg(TIMEOUT_SECONDS)
        .arg(program)
        .args(arguments.iter().map(OsStr::new));
    // The lines of panics are asserted: no backtraces.
    command.env("RUST_BACKTRACE", "0").stdin(Stdio::null());
    command.envs(environment.iter().copied());
    let output = command.output().expect("`timeout` of coreutils starts");
    Ended {
        status: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs `program`, which must succeed and say nothing on standard error; returns what it printed.
pub(crate) fn succeed(program: &Path, arguments: &[&str]) -> String {
    succeed_with(program, arguments, &[])
}

/// The same with additions to the environment.
pub(crate) fn succeed_with(program: &Path, arguments: &[&str], with: &[(&str, &str)]) -> String {
    let ended = run_with(program, arguments, with);
    assert!(
        ended.status == Some(0) && ended.stderr.is_empty(),
        "{} {arguments:?}: {ended:#?}",
        program.display()
    );
    ended.stdout
}
