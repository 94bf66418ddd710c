//! Runs each subject hardened and plain and compares.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};

use asc_hardened_tests::arguments;
use asc_hardened_tests::page_mode::protected;
use asc_hardened_tests::random::Random;
use asc_runtime::{Mode, asc_handler, mode};

use crate::operations;
use crate::subject::{Place, Subject};

/// Steps between two comparisons of whole states.
const DIGEST_PERIOD: u64 = 61;

/// How long, from which seed, and whether every handler is audited.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) seed: u64,
    pub(crate) count: u64,
    pub(crate) audit: bool,
}

impl fmt::Display for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let audit = if self.audit { " audit" } else { "" };
        write!(formatter, "seed={} count={}{audit}", self.seed, self.count)
    }
}

impl Run {
    pub(crate) fn from_arguments() -> Self {
        Self {
            seed: arguments::number("seed", 1),
            count: arguments::number("count", 2_000),
            audit: arguments::flag("audit"),
        }
    }

    /// Runs every subject on the calling thread; returns the number of incomplete audits.
    pub(crate) fn all(self, thread: usize) -> u64 {
        let only = arguments::text("only");
        let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
        operations::run_each(self, thread, &wanted)
    }

    /// Runs one subject; returns the number of incomplete audits.
    pub(crate) fn subject<S: Subject>(self, thread: usize) -> u64 {
        let mut hardened = protected(|| S::new(Place { thread, side: 0 }));
        let both_in_handlers = S::CALLS_HANDLERS && mode() == Mode::Page;
        let new_plain = || S::new(Place { thread, side: 1 });
        let mut plain = if both_in_handlers {
            protected(new_plain)
        } else {
            new_plain()
        };
        let mut random = Random::new(self.seed ^ ((thread as u64) << 32));
        let mut incomplete = 0;
        for number in 0..self.count {
            let word = random.word();
            let audit = (self.audit && number < S::AUDITS_MAX).then_some(number);
            let found = outcome(|| self.step(&mut hardened, word, audit, &mut incomplete));
            let expected = if both_in_handlers {
                outcome(|| step(&mut plain, word))
            } else {
                outcome(|| plain.step(word))
            };
            assert_eq!(found, expected, "{}: {self} step {number}", S::NAME);
            protected(|| hardened.settle());
            plain.settle();
            if number % DIGEST_PERIOD == 0 || number + 1 == self.count {
                let (found, expected) = (protected(|| hardened.digest()), plain.digest());
                assert_eq!(
                    found,
                    expected,
                    "{}: {self} states after step {number}",
                    S::NAME
                );
            }
        }
        // To drop it may be to write to it.
        let digest = protected(|| {
            let digest = hardened.digest();
            drop(hardened);
            digest
        });
        if thread == 0 {
            println!("  {} {} steps: {digest:#x}", S::NAME, self.count);
        }
        incomplete
    }

    #[cfg(asc)]
    fn step<S: Subject>(
        self,
        subject: &mut S,
        word: u64,
        audit: Option<u64>,
        incomplete: &mut u64,
    ) -> u64 {
        let Some(number) = audit else {
            return step(subject, word);
        };
        // A panic that leaves the handler passes the audit by as a value.
        let (result, report) = asc_runtime::audit::audit(|| {
            panic::catch_unwind(AssertUnwindSafe(|| step(subject, word)))
        });
        if !report.is_complete() {
            *incomplete += 1;
            println!("{}: {self} step {number} (word {word}): {report}", S::NAME);
        }
        result.unwrap_or_else(|payload| panic::resume_unwind(payload))
    }

    #[cfg(not(asc))]
    fn step<S: Subject>(
        self,
        subject: &mut S,
        word: u64,
        _audit: Option<u64>,
        _incomplete: &mut u64,
    ) -> u64 {
        step(subject, word)
    }
}

/// The one handler around every subject.
#[asc_handler]
fn step<S: Subject>(subject: &mut S, word: u64) -> u64 {
    subject.step(word)
}

/// What a call returned, or said when it panicked.
fn outcome(call: impl FnOnce() -> u64) -> Result<u64, String> {
    panic::catch_unwind(AssertUnwindSafe(call)).map_err(|payload| {
        payload
            .downcast::<String>()
            .map_or_else(|_| "a panic without text".to_owned(), |text| *text)
    })
}

/// Panics of subjects are part of the test; those of the driver itself still speak.
pub(crate) fn silence_panics() {
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let file = info.location().map_or("", |location| location.file());
        if !file.contains("operations") {
            default(info);
        }
    }));
}
