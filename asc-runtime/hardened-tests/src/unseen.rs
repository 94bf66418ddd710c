//! Effects that the hardened build does not see: inline assembly carries no hooks.
//!
//! This is how the trap programs play the faulty processor. Nothing here is logged, undone or
//! compared by itself.
//!
//! Nothing happens before [`arm`]: a program first calls its handlers in good health, so that the
//! runtime has learned how deep their stacks reach and runs them exactly twice from then on.

use std::arch::asm;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

static ARMED: AtomicBool = AtomicBool::new(false);
static SECOND: AtomicU8 = AtomicU8::new(1);

/// Lets faults happen from now on. Not inside a handler.
pub fn arm() {
    ARMED.store(true, Ordering::Relaxed);
}

/// Whether faults happen.
#[inline(never)]
pub fn armed() -> bool {
    // SAFETY: a static that only changes between handlers; a plain load is no event of a handler.
    unsafe { ARMED.as_ptr().read_volatile() }
}

/// Whether this is the second of two runs. To be called exactly once in each run of a handler.
#[inline(never)]
pub fn second_run() -> bool {
    if !armed() {
        return false;
    }
    let mut second: u8;
    // SAFETY: flips the byte of a static and reads it.
    unsafe {
        asm!(
            "xor byte ptr [{flag}], 1",
            "mov {second}, byte ptr [{flag}]",
            flag = in(reg) SECOND.as_ptr(),
            second = out(reg_byte) second,
            options(nostack),
        );
    }
    second == 1
}

/// Whether the next run is the first of two, as it must be between handlers.
pub fn between_handlers() -> bool {
    SECOND.load(Ordering::Relaxed) == 1
}

static RUNS: AtomicU64 = AtomicU64::new(0);

/// Starts counting the runs of the next handler. Not inside a handler.
pub fn start_counting() {
    RUNS.store(0, Ordering::Relaxed);
}

/// The number of this run of a handler, from 1. To be called exactly once in each run.
#[inline(never)]
pub fn count_run() -> u64 {
    let mut number: u64 = 1;
    // SAFETY: adds to a static and reads it.
    unsafe {
        asm!(
            "xadd qword ptr [{runs}], {number}",
            runs = in(reg) RUNS.as_ptr(),
            number = inout(reg) number,
            options(nostack),
        );
    }
    number + 1
}

/// The core that this run is on, asked of the processor: the answer is not recorded.
#[inline(never)]
pub fn core() -> u32 {
    let core: u32;
    // SAFETY: reads two counters.
    unsafe { asm!("rdtscp", out("rax") _, out("rdx") _, out("ecx") core, options(nostack, nomem)) };
    core
}

/// The time-stamp counter: another value each time it is asked, and not recorded.
#[inline(never)]
pub fn ticks() -> u64 {
    let (low, high): (u64, u64);
    // SAFETY: reads a counter.
    unsafe { asm!("rdtsc", out("rax") low, out("rdx") high, options(nostack, nomem)) };
    high << 32 | low
}

/// Writes a word that no hook announces.
///
/// # Safety
/// `address` is valid for writes.
#[inline(never)]
pub unsafe fn write(address: *mut u64, value: u64) {
    // SAFETY: by contract.
    unsafe {
        asm!("mov qword ptr [{address}], {value}", address = in(reg) address, value = in(reg) value, options(nostack))
    };
}

/// Flips bits of a byte in memory.
///
/// # Safety
/// `address` is valid for reads and writes.
#[inline(never)]
pub unsafe fn flip(address: *mut u8, bits: u8) {
    if !armed() {
        return;
    }
    // SAFETY: by contract.
    unsafe {
        asm!("xor byte ptr [{address}], {bits}", address = in(reg) address, bits = in(reg_byte) bits, options(nostack))
    };
}

/// `value`, or `wrong` in the second run, so that the compiler cannot tell.
#[inline(never)]
pub fn in_second_run(second: bool, value: u64, wrong: u64) -> u64 {
    std::hint::black_box(if second { wrong } else { value })
}
