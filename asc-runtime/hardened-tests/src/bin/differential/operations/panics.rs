//! Panics inside handlers: caught there, and leaving them with the state committed.

use std::panic::{self, AssertUnwindSafe};

use asc_hardened_tests::digest::digest;
use asc_hardened_tests::random::Random;

use crate::subject::{Place, Subject};

/// What is changed by code that panics on its way.
pub(crate) struct Panics {
    words: Vec<u64>,
    dropped: u64,
}

/// Counts its drop, which unwinding must reach.
struct Guard<'a>(&'a mut u64);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        *self.0 += 1;
    }
}

impl Subject for Panics {
    const NAME: &'static str = "panics";

    fn new(_place: Place) -> Self {
        Self {
            words: Vec::new(),
            dropped: 0,
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let word = random.word();
        self.words.push(word);
        if self.words.len() > 50 {
            self.words.clear();
        }
        match random.below(5) {
            0 => panic!("leaves the handler with {word}"),
            1 => {
                let _guard = Guard(&mut self.dropped);
                let missing: Option<u64> = std::hint::black_box(None);
                missing.unwrap_or_else(|| panic!("leaves through a guard"))
            }
            2 => {
                let caught = panic::catch_unwind(AssertUnwindSafe(|| self.fail(word)));
                caught.map_or_else(|payload| text(&*payload), |()| 0)
            }
            3 => {
                let index = self.words.len() + 3;
                let caught = panic::catch_unwind(AssertUnwindSafe(|| self.words[index]));
                u64::from(caught.is_err())
            }
            _ => self.dropped,
        }
    }

    fn digest(&self) -> u64 {
        digest(&(&self.words, self.dropped))
    }
}

impl Panics {
    fn fail(&mut self, word: u64) {
        let _guard = Guard(&mut self.dropped);
        self.words.push(word / 2);
        if !word.is_multiple_of(4) {
            panic!("caught in the handler: {word}");
        }
    }
}

fn text(payload: &dyn core::any::Any) -> u64 {
    payload.downcast_ref::<String>().map_or(1, digest)
}
