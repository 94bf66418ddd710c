//! Process-wide counters.

#[cfg(asc)]
use core::sync::atomic::Ordering;

/// Process-wide counters since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Statistics {
    /// Handlers completed.
    pub handlers: u64,
    /// Executions of handler bodies: two per handler when hardened.
    pub runs: u64,
    /// Faults detected.
    pub faults: u64,
    /// Largest undo and event log of one handler so far, in bytes.
    pub log_bytes_max: u64,
}

/// The counters, summed over all threads.
///
/// Handlers in progress on other threads may be counted with one run.
pub fn statistics() -> Statistics {
    let mut sum = Statistics::default();
    add_threads(&mut sum);
    sum
}

#[cfg(asc)]
fn add_threads(sum: &mut Statistics) {
    sum.faults = crate::incident::faults();
    for counters in crate::hardened::context::counters() {
        sum.handlers += counters.handlers.load(Ordering::Relaxed);
        sum.runs += counters.runs.load(Ordering::Relaxed);
        sum.log_bytes_max = sum
            .log_bytes_max
            .max(counters.log_bytes_max.load(Ordering::Relaxed));
    }
}

#[cfg(not(asc))]
pub(crate) use plain::count_handler;

#[cfg(not(asc))]
fn add_threads(sum: &mut Statistics) {
    sum.handlers = plain::handlers();
    sum.runs = sum.handlers;
}

/// Counting without slowing the program that hardening is compared with: no locked instruction.
#[cfg(not(asc))]
mod plain {
    use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    /// Threads that count alone; the others share the last slot.
    const SLOTS: usize = 128;

    #[repr(align(64))]
    struct Slot(AtomicU64);

    static COUNTS: [Slot; SLOTS] = [const { Slot(AtomicU64::new(0)) }; SLOTS];
    static NEXT: AtomicUsize = AtomicUsize::new(0);

    thread_local! {
        static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed).min(SLOTS - 1);
    }

    #[inline]
    pub(crate) fn count_handler() {
        OWN.with(|&own| {
            let count = &COUNTS[own].0;
            if own < SLOTS - 1 {
                count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            } else {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
    }

    pub(super) fn handlers() -> u64 {
        COUNTS
            .iter()
            .map(|count| count.0.load(Ordering::Relaxed))
            .sum()
    }
}
