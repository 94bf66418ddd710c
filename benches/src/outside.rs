//! Code outside handlers: what a hardened program pays for the rest of itself.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::random::Random;

const NUMBERS: usize = 4096;

/// Sorts, maps, formats and sums: stores of all kinds.
pub fn run(operations: usize) -> Duration {
    let mut random = Random::with_seed(1);
    let mut spent = Duration::ZERO;
    for _ in 0..operations {
        let numbers: Vec<u64> = (0..NUMBERS).map(|_| random.below(1 << 30)).collect();
        let start = Instant::now();
        black_box(work(numbers));
        spent += start.elapsed();
    }
    spent
}

fn work(mut numbers: Vec<u64>) -> usize {
    numbers.sort_unstable();
    let tree: BTreeMap<u64, usize> = numbers
        .iter()
        .enumerate()
        .map(|(at, &number)| (number, at))
        .collect();
    let text: String = numbers
        .iter()
        .take(512)
        .map(|number| format!("{number:x},"))
        .collect();
    numbers
        .iter_mut()
        .for_each(|number| *number = number.rotate_left(3));
    tree.len() + text.len() + numbers.iter().fold(0, |sum, &number| sum ^ number as usize)
}
