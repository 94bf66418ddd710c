//! Threads whose handlers change one shared state, locked outside the handlers, and shared atomics,
//! which nobody locks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
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
    contend(run, threads);
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

static ADDED: AtomicU64 = AtomicU64::new(0);
static HIGHEST: AtomicU64 = AtomicU64::new(0);
static LOWEST: AtomicI64 = AtomicI64::new(0);
static SWAPPED: AtomicU64 = AtomicU64::new(0);

/// Nothing that an atomic operation promises is lost between threads.
fn contend(run: Run, threads: usize) {
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..run.count).for_each(|_| contend_once()));
        }
    });
    let total = run.count * threads as u64;
    assert_eq!(ADDED.load(Ordering::SeqCst), total, "fetch_add");
    assert_eq!(HIGHEST.load(Ordering::SeqCst), total, "fetch_max");
    assert_eq!(LOWEST.load(Ordering::SeqCst), -(total as i64), "fetch_min");
}

fn contend_once() {
    let number = contended();
    contended_extremes(number);
}

#[asc_handler]
fn contended() -> u64 {
    let number = 1 + ADDED.fetch_add(1, Ordering::Relaxed);
    let seen = SWAPPED.swap(number, Ordering::AcqRel);
    let replaced = SWAPPED.compare_exchange(seen, number / 2, Ordering::SeqCst, Ordering::Relaxed);
    std::hint::black_box(replaced.is_ok());
    number
}

/// Maxima and minima that several threads update at once. There is no hook for these operations: they
/// become loops around a compare-and-exchange, whose plain load sees something else in each run.
#[asc_handler]
fn contended_extremes(number: u64) {
    let old = HIGHEST.fetch_max(number, Ordering::Relaxed);
    let lowest = LOWEST.fetch_min(-(number as i64), Ordering::SeqCst);
    // What they return takes part in the comparison of the runs.
    std::hint::black_box((old, lowest));
}
