//! `rand`: its thread-local generator seeds itself lazily inside a handler.

use asc_hardened_tests::digest::digest;
use asc_hardened_tests::random::Random;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::Exercise;

/// A seeded generator, and state drawn from the thread's own.
pub(crate) struct Rand {
    seeded: SmallRng,
    drawn: Vec<u64>,
}

impl Exercise for Rand {
    const NAME: &'static str = "rand";

    fn new() -> Self {
        Self {
            seeded: SmallRng::seed_from_u64(7),
            drawn: Vec::new(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        match random.below(5) {
            0 => self.drawn.push(rand::rng().random()),
            1 => self.drawn.shuffle(&mut rand::rng()),
            2 => self.drawn = (0..40).map(|_| rand::rng().random_range(0..1000)).collect(),
            3 => {
                let mut words: Vec<u32> = (0..50).collect();
                words.shuffle(&mut self.seeded);
                return digest(&words);
            }
            _ => return self.seeded.random_range(0..1_000_000),
        }
        self.drawn.truncate(100);
        self.drawn.len() as u64
    }
}
