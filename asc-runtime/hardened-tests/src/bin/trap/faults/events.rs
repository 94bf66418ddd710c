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
