//! Process-wide counters.

#[cfg(not(asc))]
use core::sync::atomic::AtomicU64;
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
    let mut sum = Statistics { faults: crate::incident::faults(), ..Statistics::default() };
    add_threads(&mut sum);
    sum
}

#[cfg(asc)]
fn add_threads(sum: &mut Statistics) {
    for counters in crate::hardened::context::counters() {
        sum.handlers += counters.handlers.load(Ordering::Relaxed);
        sum.runs += counters.runs.load(Ordering::Relaxed);
        sum.log_bytes_max = sum.log_bytes_max.max(counters.log_bytes_max.load(Ordering::Relaxed));
    }
}

#[cfg(not(asc))]
pub(crate) static PLAIN_HANDLERS: AtomicU64 = AtomicU64::new(0);

#[cfg(not(asc))]
fn add_threads(sum: &mut Statistics) {
    sum.handlers = PLAIN_HANDLERS.load(Ordering::Relaxed);
    sum.runs = sum.handlers;
}
