//! Threads whose handlers change one shared state, locked outside the handlers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;

use asc_hardened_tests::random::Random;
use asc_runtime::asc_handler;

use crate::driver::Run;

const KEYS: usize = 100;

/// What the threads share.
#[derive(Default)]
struct Shared {
    counts: BTreeMap<usize, Vec<u32>>,
    total: u64,
}

/// Each thread adds; afterwards nothing is missing.
pub(crate) fn run(run: Run, threads: usize) {
    let shared: Arc<Mutex<Shared>> = Arc::default();
    thread::scope(|scope| {
        for thread in 0..threads {
            let shared = Arc::clone(&shared);
            scope.spawn(move || work(&shared, run, thread));
        }
    });
    let shared = shared.lock().expect("no thread panicked");
    let expected = run.count * threads as u64;
    assert_eq!(shared.total, expected);
    assert_eq!(
        shared
            .counts
            .values()
            .flatten()
            .map(|&count| u64::from(count))
            .sum::<u64>(),
        expected
    );
    println!("  shared {expected} steps");
}

fn work(shared: &Mutex<Shared>, run: Run, thread: usize) {
    let mut random = Random::new(run.seed ^ thread as u64);
    for _ in 0..run.count {
        let key = random.below(KEYS);
        let mut state = shared.lock().expect("no thread panicked");
        count(&mut state, key, thread);
    }
}

#[asc_handler]
fn count(state: &mut Shared, key: usize, thread: usize) {
    let counts = state.counts.entry(key).or_default();
    if counts.len() <= thread {
        counts.resize(thread + 1, 0);
    }
    counts[thread] += 1;
    state.total += 1;
}
