//! Forks of a process whose other threads are at work on protected memory.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use asc_hardened_tests::child::fork;
use asc_hardened_tests::random::Random;
use asc_runtime::{protected, scrub, statistics};

use crate::state::{State, WORDS, flip_bit, lines};

const WORKERS: u64 = 2;
const PATIENCE: Duration = Duration::from_secs(60);

/// In every child the codes agree with what memory holds, handlers run, and the scrubber finds rot.
pub(crate) fn forks(seed: u64, count: u64) {
    let mut state = State::new(seed);
    state.write(0, 1);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for worker in 1..=WORKERS {
            let is_over = &is_over;
            scope.spawn(move || work(seed + worker, is_over));
        }
        for number in 0..count {
            let ended = fork(|| live(&mut state));
            assert_eq!(ended.status, 0, "fork {number}: {}", ended.incident);
        }
        is_over.store(true, Relaxed);
    });
    println!("{count} forks, each with its own scrubber");
}

/// Handlers, and stores from outside of them.
fn work(seed: u64, is_over: &AtomicBool) {
    let (mut state, mut random) = (State::new(seed), Random::new(seed));
    while !is_over.load(Relaxed) {
        state.write(random.below(WORDS), random.word());
        state.words[random.below(WORDS)] = random.word();
    }
}

/// The life of a child.
fn live(state: &mut State) {
    scrub();
    let before = statistics().integrity.corrected_bits;
    state.write(1, 2);
    let line = lines()
        .line_of(state.address(WORDS / 2))
        .expect("protected");
    flip_bit(line, 5);
    let start = Instant::now();
    while statistics().integrity.corrected_bits == before {
        assert!(start.elapsed() < PATIENCE, "the child has no scrubber");
        thread::sleep(Duration::from_millis(1));
    }
    let list = protected(|| vec![1_u8; 5000]);
    assert_eq!(
        list.iter().map(|&byte| usize::from(byte)).sum::<usize>(),
        5000
    );
}
