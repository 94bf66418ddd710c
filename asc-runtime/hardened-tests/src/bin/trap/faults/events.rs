//! Atomic operations and questions to the system that differ between the runs.

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use asc_hardened_tests::unseen::{armed, in_second_run, second_run};
use asc_runtime::asc_handler;

use super::Fault;

pub(super) const FAULTS: &[Fault] = &[
    ("atomic_operand", atomic_operand),
    ("atomic_operation", atomic_operation),
    ("exchange_operand", exchange_operand),
    ("exchange_expectation", exchange_expectation),
    ("exchange_for_ever", exchange_for_ever),
    ("maximum", maximum),
    ("extra_atomic", extra_atomic),
    ("missing_atomic", missing_atomic),
    ("other_clock", other_clock),
    ("extra_clock", extra_clock),
    ("missing_clock", missing_clock),
    ("thread_local_destructor", thread_local_destructor),
];

static WORD: AtomicU64 = AtomicU64::new(0);
static NARROW: AtomicU32 = AtomicU32::new(0);

fn atomic_operand() {
    #[asc_handler]
    fn handler() -> u64 {
        let second = second_run();
        WORD.fetch_add(in_second_run(second, 1, 1 | 1 << 33), Ordering::SeqCst)
    }
    black_box(handler());
}

fn atomic_operation() {
    #[asc_handler]
    fn handler() -> u32 {
        if second_run() {
            NARROW.fetch_or(1, Ordering::SeqCst)
        } else {
            NARROW.fetch_add(1, Ordering::SeqCst)
        }
    }
    black_box(handler());
}

fn exchange_operand() {
    #[asc_handler]
    fn handler() {
        let new = in_second_run(second_run(), 7, 7 | 1 << 33);
        let old = WORD.load(Ordering::SeqCst);
        black_box(
            WORD.compare_exchange(old, new, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok(),
        );
    }
    handler();
}

/// The second run's exchange fails, where the first run's succeeded, and it does not ask again.
fn exchange_expectation() {
    #[asc_handler]
    fn handler() {
        let flipped = in_second_run(second_run(), 0, 1 << 33);
        let old = WORD.load(Ordering::SeqCst) ^ flipped;
        black_box(
            WORD.compare_exchange(old, 7, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok(),
        );
    }
    handler();
}

/// The second run's exchange could never succeed.
fn exchange_for_ever() {
    #[asc_handler]
    fn handler() {
        let flipped = in_second_run(second_run(), 0, 1 << 33);
        let old = WORD.load(Ordering::SeqCst) ^ flipped;
        while WORD
            .compare_exchange(old, 7, Ordering::SeqCst, Ordering::SeqCst)
            .is_err()
        {}
    }
    handler();
}

fn maximum() {
    #[asc_handler]
    fn handler() -> u64 {
        let second = second_run();
        WORD.fetch_max(in_second_run(second, 1, 1 | 1 << 33), Ordering::SeqCst)
    }
    // Not the healthy calls' maximum again, which either run would leave as it is.
    WORD.store(0, Ordering::SeqCst);
    black_box(handler());
}

fn extra_atomic() {
    #[asc_handler]
    fn handler() {
        if second_run() {
            WORD.store(5, Ordering::Release);
        }
    }
    handler();
}

fn missing_atomic() {
    #[asc_handler]
    fn handler() {
        if !second_run() {
            WORD.store(5, Ordering::Release);
        }
    }
    handler();
}

fn other_clock() {
    #[asc_handler]
    fn handler() {
        if second_run() {
            black_box(SystemTime::now());
        } else {
            black_box(Instant::now());
        }
    }
    handler();
}

fn extra_clock() {
    #[asc_handler]
    fn handler() {
        black_box(Instant::now());
        if second_run() {
            black_box(Instant::now());
        }
    }
    handler();
}

fn missing_clock() {
    #[asc_handler]
    fn handler() {
        if !second_run() {
            black_box(Instant::now());
        }
    }
    handler();
}

struct Loud;

impl Drop for Loud {
    fn drop(&mut self) {
        black_box(());
    }
}

thread_local! {
    static FIRST: Loud = const { Loud };
    static OTHER: Loud = const { Loud };
    static HEALTHY: Loud = const { Loud };
}

fn thread_local_destructor() {
    #[asc_handler]
    fn handler() {
        if !armed() {
            HEALTHY.with(|loud| {
                black_box(loud);
            });
        } else if second_run() {
            OTHER.with(|loud| {
                black_box(loud);
            });
        } else {
            FIRST.with(|loud| {
                black_box(loud);
            });
        }
    }
    handler();
}
