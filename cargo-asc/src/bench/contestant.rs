//! One of the two programs that are measured: it sets a workload up, then times
//! a batch whenever it is asked, so that the two can run in turn.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::refusal::{Cause, Refusal};

/// A running `measure` program.
pub(crate) struct Contestant {
    process: Child,
    answers: BufReader<ChildStdout>,
}

/// What one batch took.
#[derive(Clone, Copy)]
pub(crate) struct Batch {
    pub(crate) nanoseconds: f64,
    /// The largest log of one handler so far.
    pub(crate) log_bytes: u64,
}

impl Contestant {
    /// Starts `program` with `workload` and waits until it is ready; `mode` is
    /// what it must say it is.
    pub(crate) fn start(program: &Path, workload: &[&str], mode: &str) -> Result<Self, Refusal> {
        let mut process = Command::new(program)
            .args(workload)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Refusal::program(program, &error))?;
        let answers = process.stdout.take().map(BufReader::new);
        let Some(answers) = answers else {
            return Err(broken("standard output", "none"));
        };
        let mut contestant = Self { process, answers };
        let greeting = contestant.line()?;
        if greeting.split_whitespace().take(2).eq(["ready", mode]) {
            Ok(contestant)
        } else {
            Err(broken(&format!("`ready {mode}`"), &greeting))
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
        let mut words = answer.split_whitespace();
        let parsed = words
            .next()
            .and_then(|word| word.parse().ok())
            .zip(words.next().and_then(|word| word.parse().ok()));
        parsed
            .map(|(nanoseconds, log_bytes)| Batch {
                nanoseconds,
                log_bytes,
            })
            .ok_or_else(|| broken("nanoseconds and log bytes", &answer))
    }

    fn line(&mut self) -> Result<String, Refusal> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(length) if length > 0 => Ok(line.trim().to_owned()),
            Ok(_) => Err(broken("an answer", "the end of its output")),
            Err(error) => Err(broken("an answer", &error.to_string())),
        }
    }
}

impl Drop for Contestant {
    fn drop(&mut self) {
        // The end of its input ends it; it has nothing to say any more.
        drop(self.process.stdin.take());
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
