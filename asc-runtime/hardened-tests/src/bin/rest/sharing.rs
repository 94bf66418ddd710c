//! Threads at work on different words of the same lines.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use asc_runtime::{asc_handler, protected, statistics};

const THREADS: usize = 4;
const WORDS: usize = 256;

/// One word: each thread has every fourth.
struct Word(*mut u64);

impl Word {
    #[asc_handler]
    fn add(&mut self, amount: u64) -> u64 {
        // SAFETY: a word of the live table that this thread alone uses.
        let word = unsafe { &mut *self.0 };
        *word = word.wrapping_add(amount);
        *word
    }
}

/// Handlers, stores from outside, atomics and new blocks, side by side in every line.
pub(crate) fn shared(seed: u64, count: u64) {
    let mut table = protected(|| vec![0u64; WORDS].into_boxed_slice());
    let total = protected(|| Box::new(AtomicU64::new(0)));
    let start = table.as_mut_ptr().expose_provenance();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let total = &total;
            scope.spawn(move || work(start, thread, seed, count, total));
        }
    });
    let expected: u64 = (0..THREADS as u64)
        .map(|thread| sum(thread, seed, count))
        .sum();
    assert_eq!(table.iter().sum::<u64>(), expected);
    assert_eq!(total.load(Ordering::Relaxed), count * THREADS as u64);
    assert_eq!(statistics().integrity.corrected_bits, 0);
    println!("{THREADS} threads, {count} handlers each: no mismatch");
}

fn amount(thread: u64, seed: u64, number: u64) -> u64 {
    (seed + thread * 31 + number * 7) % 1000
}

fn sum(thread: u64, seed: u64, count: u64) -> u64 {
    (0..count)
        .map(|number| 1 + amount(thread, seed, number))
        .sum()
}

#[asc_handler]
fn count_once(total: &AtomicU64) {
    total.fetch_add(1, Ordering::Relaxed);
}

#[asc_handler]
fn build(length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8);
    (0..length).for_each(|byte| bytes.push(byte as u8));
    bytes
}

fn work(start: usize, thread: usize, seed: u64, count: u64, total: &AtomicU64) {
    let mut kept = Vec::new();
    for number in 0..count {
        let index = (number as usize * 5 % (WORDS / THREADS)) * THREADS + thread;
        let word = std::ptr::with_exposed_provenance_mut::<u64>(start + index * 8);
        let mut word = Word(word);
        word.add(amount(thread as u64, seed, number));
        // SAFETY: this thread's own word, written outside of a handler.
        unsafe { *word.0 += 1 };
        count_once(total);
        let bytes = build(number as usize % 60);
        assert!(bytes.iter().enumerate().all(|(at, &byte)| byte == at as u8));
        kept.push(bytes);
        if kept.len() > 40 {
            kept.clear();
        }
    }
}
