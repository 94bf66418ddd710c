//! Verifies all protected memory again and again, at a set rate.
//!
//! 1. A thread of its own looks at a batch of lines, without a lock: a line that a handler is at work on
//!    is told from a rotten one as in a handler ([`super::examine`]).
//! 2. Between two batches it sleeps as long as the rate demands. It gives way to the program's threads by
//!    its priority; what it could not do in time it makes up for a moment at the most.
//! 3. A single flipped bit is corrected, if that is allowed; anything else ends the process.

use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use asc_alloc::lines::Lines;

use super::{examine_or_stop, heap_lines, outside, settings};

/// Bytes between two looks at the clock: some microseconds.
const BATCH_BYTES: usize = 64 << 10;
/// Without protected memory the thread looks this often.
const IDLE: Duration = Duration::from_millis(50);
/// What a delay is made up for, at full speed.
const BEHIND_MAX: Duration = Duration::from_millis(10);
/// Added to the thread's nice value.
const NICE: c_int = 10;

static STARTED: AtomicBool = AtomicBool::new(false);
static PASSES: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// Passes over all protected memory, and bytes in all of them.
pub(crate) fn progress() -> (u64, u64) {
    (PASSES.load(Relaxed), BYTES.load(Relaxed))
}

/// Starts the thread that the settings ask for, once. Not inside a handler.
#[inline]
pub(crate) fn start_once() {
    if !STARTED.load(Relaxed) {
        start(settings::settings().scrub_bytes_per_second);
    }
}

/// The thread is gone: the next handler starts another.
pub(super) fn start_again() {
    STARTED.store(false, Relaxed);
}

#[cold]
fn start(bytes_per_second: u64) {
    if STARTED.swap(true, Relaxed) || bytes_per_second == 0 {
        return;
    }
    let spawned = thread::Builder::new()
        .name("asc-scrubber".to_owned())
        .spawn(move || scrub(bytes_per_second));
    if spawned.is_err() {
        crate::refuse::refuse(format_args!(
            "the system gave no thread for the scrubber: raise the limit (ulimit -u) or set \
             ASC_SCRUB_MIB_PER_SECOND=0"
        ));
    }
}

/// Verifies all of it at once; returns how many bytes that were.
pub(crate) fn scrub_all() -> u64 {
    outside::settle();
    let committed = asc_alloc::statistics().protected.committed_bytes as usize;
    let Some(lines) = heap_lines() else {
        return 0;
    };
    verify(lines, 0, committed);
    committed as u64
}

fn scrub(bytes_per_second: u64) {
    // SAFETY: changes this thread's priority only; where that is forbidden, it stays as it is.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) };
    let mut due = Instant::now();
    let mut next = 0;
    loop {
        let committed = asc_alloc::statistics().protected.committed_bytes as usize;
        let Some(lines) = heap_lines().filter(|_| committed > 0) else {
            thread::sleep(IDLE);
            continue;
        };
        let end = committed.min(next + BATCH_BYTES);
        verify(lines, next, end);
        let bytes = (end - next) as u64;
        BYTES.fetch_add(bytes, Relaxed);
        next = end;
        if next == committed {
            next = 0;
            PASSES.fetch_add(1, Relaxed);
        }
        due += Duration::from_secs_f64(bytes as f64 / bytes_per_second as f64);
        due = due.max(Instant::now() - BEHIND_MAX);
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

fn verify(lines: &Lines, start: usize, end: usize) {
    let line_bytes = lines.line_bytes();
    (start / line_bytes..end / line_bytes)
        .filter(|&line| !lines.agrees(line))
        .for_each(examine_or_stop);
}
