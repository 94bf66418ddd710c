//! One of the two programs that are measured: it sets a workload up, then times
//! a batch whenever it is asked, so that the two can run in turn.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::refusal::{Cause, Refusal};

/// The longest answer: three numbers, or `ready` and a mode.
const LINE_BYTES_MAX: u64 = 256;

/// A running `measure` program.
pub(crate) struct Contestant {
    process: Child,
    answers: BufReader<ChildStdout>,
    greeting: String,
}

/// What one batch took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Batch {
    pub(crate) nanoseconds: f64,
    /// The largest log of one handler so far.
    pub(crate) log_bytes: u64,
    /// What the scrubber has verified so far.
    pub(crate) scrubbed_bytes: u64,
}

impl Batch {
    /// Reads `<nanoseconds> <log bytes> <scrubbed bytes>`; a ratio must be possible.
    fn read(answer: &str) -> Option<Self> {
        let (nanoseconds, counts) = answer.split_once(' ')?;
        let (log_bytes, scrubbed_bytes) = counts.split_once(' ')?;
        let nanoseconds: f64 = nanoseconds.parse().ok()?;
        let log_bytes = log_bytes.parse().ok()?;
        let scrubbed_bytes = scrubbed_bytes.parse().ok()?;
        (nanoseconds.is_finite() && nanoseconds > 0.0).then_some(Self {
            nanoseconds,
            log_bytes,
            scrubbed_bytes,
        })
    }
}

impl Contestant {
    /// Starts `program` with `workload` and waits until it is ready; `mode` is
    /// what it must say it is.
    pub(crate) fn start(program: &Path, workload: &[&str], mode: &str) -> Result<Self, Refusal> {
        Self::start_with(program, workload, mode, &[])
    }

    /// The same with additions to the environment.
    pub(crate) fn start_with(
        program: &Path,
        workload: &[&str],
        mode: &str,
        settings: &[(&str, String)],
    ) -> Result<Self, Refusal> {
        let mut process = Command::new(program)
            .args(workload)
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Refusal::program(program, &error))?;
        let answers = process.stdout.take().map(BufReader::new);
        let Some(answers) = answers else {
            return Err(broken("standard output", "none"));
        };
        let mut contestant = Self {
            process,
            answers,
            greeting: String::new(),
        };
        let greeting = contestant.line()?;
        contestant.greeting.clone_from(&greeting);
        if greeting.split_whitespace().take(2).eq(["ready", mode]) {
            Ok(contestant)
        } else {
            Err(broken(&format!("`ready {mode}`"), &greeting))
        }
    }

    /// Memory of the codes as a share of what they protect: the greeting's fourth and fifth words.
    pub(crate) fn memory_share(&self) -> f64 {
        let mut numbers = self.greeting.split_whitespace().skip(3).map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok::<f64, _>(codes)), Some(Ok(bytes))) if bytes > 0.0 => codes / bytes,
            _ => 0.0,
        }
    }

    /// Times `operations` operations.
    pub(crate) fn run(&mut self, operations: usize) -> Result<Batch, Refusal> {
        let asked = match self.process.stdin.as_mut() {
            Some(stdin) => writeln!(stdin, "{operations}"),
            None => Ok(()),
        };
        if let Err(error) = asked {
            return Err(broken("a program that listens", &error.to_string()));
        }
        let answer = self.line()?;
        Batch::read(&answer).ok_or_else(|| {
            broken(
                "nanoseconds (more than 0) and two numbers of bytes",
                &answer,
            )
        })
    }

    /// Stops all its threads, those in the background too, so that others are measured without them.
    pub(crate) fn pause(&self) -> Result<(), Refusal> {
        self.signal(Signal::SIGSTOP)
    }

    /// Lets them go on.
    pub(crate) fn resume(&self) -> Result<(), Refusal> {
        self.signal(Signal::SIGCONT)
    }

    fn signal(&self, signal: Signal) -> Result<(), Refusal> {
        let process = Pid::from_raw(self.process.id().cast_signed());
        kill(process, signal).map_err(|error| broken("a program that runs", error.desc()))
    }

    fn line(&mut self) -> Result<String, Refusal> {
        let mut line = String::new();
        let mut answers = (&mut self.answers).take(LINE_BYTES_MAX);
        match answers.read_line(&mut line) {
            Ok(_) if line.ends_with('\n') => Ok(line.trim().to_owned()),
            Ok(length) if length > 0 => Err(broken("a whole line", &line)),
            Ok(_) => Err(broken("an answer", "the end of its output")),
            Err(error) => Err(broken("an answer", &error.to_string())),
        }
    }
}

impl Drop for Contestant {
    fn drop(&mut self) {
        // It has nothing to say any more, and one that goes on talking would never end by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn broken(wanted: &str, found: &str) -> Refusal {
    Refusal::new(
        Cause::Environment,
        format!("from the measured program: {wanted}"),
        found.to_owned(),
        "look at its own message above; `cargo asc clean` and build again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::fs::PermissionsExt as _;

    proptest! {
        #[test]
        fn what_a_program_says_is_read(
            nanoseconds in 0.001_f64..1e12,
            log_bytes: u64,
            scrubbed_bytes: u64,
        ) {
            let answer = format!("{nanoseconds} {log_bytes} {scrubbed_bytes}");
            let batch = Batch { nanoseconds, log_bytes, scrubbed_bytes };
            prop_assert_eq!(Batch::read(&answer), Some(batch));
        }

        #[test]
        fn whatever_is_read_gives_a_ratio(answer in "\\PC*", head in "[-+0-9.einfNa]{1,12}") {
            for answer in [answer, format!("{head} 1 1")] {
                if let Some(batch) = Batch::read(&answer) {
                    prop_assert!((1.0 / batch.nanoseconds).is_finite() || batch.nanoseconds < 1e-300);
                    prop_assert!(batch.nanoseconds > 0.0 && batch.nanoseconds.is_finite());
                }
            }
        }
    }

    #[test]
    fn no_ratio_comes_of_nothing_or_of_no_number() {
        for answer in [
            "", "1", "1 1", "0 1 1", "-1 1 1", "NaN 1 1", "inf 1 1", "1 -1 1", "1 1 -1", "1 1 1 1",
            "1  1 1",
        ] {
            assert_eq!(Batch::read(answer), None, "{answer}");
        }
    }

    /// What `start` says about a program that prints this.
    fn refusal_of(prints: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("measure");
        std::fs::write(&program, format!("#!/bin/sh\n{prints}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let refusal = Contestant::start(&program, &[], "plain").err().unwrap();
        assert_eq!(refusal.exit_status(), 85);
        refusal.to_string()
    }

    #[test]
    fn a_program_that_says_something_else_is_refused() {
        for (prints, found) in [
            ("exit 1", "the end of its output"),
            ("echo ready hardened", "ready hardened"),
            ("printf '\\377\\n'", "valid UTF-8"),
            ("printf ready", "ready"),
            ("yes | tr -d '\\n' | head -c 100000", "yyyy"),
        ] {
            let message = refusal_of(prints);
            assert!(message.contains(found), "{prints}: {message}");
            assert!(message.len() < 1024, "{prints}: {message}");
        }
    }
}
