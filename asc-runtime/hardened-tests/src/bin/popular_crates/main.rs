//! Unmodified crates from crates.io inside handlers against the same calls plain.
//!
//! Arguments: `seed=N`, `count=N` (steps per crate), `only=CRATE`.

mod crates;

use asc_hardened_tests::arguments;
use asc_hardened_tests::random::Random;
use asc_runtime::{asc_handler, mode, statistics};

/// A crate's share of the test: state made of its types, and operations on it.
trait Exercise {
    const NAME: &'static str;

    fn new() -> Self;

    /// One operation, chosen by `random` alone; the result does not depend on time or addresses.
    fn step(&mut self, random: u64) -> u64;
}

#[asc_handler]
fn step<E: Exercise>(exercise: &mut E, random: u64) -> u64 {
    exercise.step(random)
}

fn main() {
    let seed = arguments::number("seed", 1);
    let count = arguments::number("count", 2_000);
    println!("popular_crates seed={seed} count={count}");
    crates::run_each(seed, count, arguments::text("only").as_deref());
    let statistics = statistics();
    println!("mode {} {statistics:?}", mode().name());
    assert_eq!(statistics.faults, 0);
}

fn run<E: Exercise>(seed: u64, count: u64, only: Option<&str>) {
    if only.is_some_and(|only| only != E::NAME) {
        return;
    }
    let (mut hardened, mut plain) = (E::new(), E::new());
    let mut random = Random::new(seed);
    for number in 0..count {
        let word = random.word();
        let found = step(&mut hardened, word);
        assert_eq!(
            found,
            plain.step(word),
            "{}: seed {seed} step {number}",
            E::NAME
        );
    }
    println!("  {} {count} steps", E::NAME);
}
