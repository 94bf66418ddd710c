//! Effects that the hardened build does not see: inline assembly carries no hooks.
//!
//! This is how the trap programs play the faulty processor. Nothing here is logged, undone or
//! compared by itself.
//!
//! Nothing happens before [`arm`]: a program first calls its handlers in good health, so that the
//! runtime has learned how deep their stacks reach and runs them exactly twice from then on.

use std::arch::asm;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU64, Ordering};

static ARMED: AtomicBool = AtomicBool::new(false);
static SECOND: AtomicU8 = AtomicU8::new(1);
/// Where the byte is in page mode, else null.
static HIDDEN: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());

/// In page mode no static escapes the runtime. So the byte moves to a page under a protection key of its
/// own, which stays open while handlers run.
#[cfg(not(asc))]
pub(crate) fn hide() {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let rights = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping.
    let page = unsafe { libc::mmap(std::ptr::null_mut(), 4096, rights, flags, -1, 0) };
    assert_ne!(page, libc::MAP_FAILED);
    // SAFETY: two integers.
    let key = unsafe { libc::syscall(libc::SYS_pkey_alloc, 0_u64, 0_u64) };
    if key > 0 {
        // SAFETY: the page above.
        unsafe { libc::syscall(libc::SYS_pkey_mprotect, page, 4096_u64, rights as u64, key) };
    }
    // SAFETY: the page above, which nobody else knows yet.
    unsafe { page.cast::<u8>().write(1) };
    HIDDEN.store(page.cast(), Ordering::Relaxed);
}

/// Null in hardened builds, whose hook of the atomic load would reach deeper than any healthy run.
fn hidden() -> *mut u8 {
    if cfg!(asc) {
        return std::ptr::null_mut();
    }
    HIDDEN.load(Ordering::Relaxed)
}

fn byte() -> *mut u8 {
    let hidden = hidden();
    if hidden.is_null() {
        SECOND.as_ptr()
    } else {
        hidden
    }
}

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
            flag = in(reg) byte(),
            second = out(reg_byte) second,
            options(nostack),
        );
    }
    second == 1
}

/// Whether the next run is the first of two, as it must be between handlers.
pub fn between_handlers() -> bool {
    // SAFETY: the static or the page, which only changes in handlers.
    unsafe { byte().read_volatile() == 1 }
}

static RUNS: AtomicU64 = AtomicU64::new(0);

/// Starts counting the runs of the next handler. Not inside a handler.
pub fn start_counting() {
    // SAFETY: the static or the page, which only changes in handlers.
    unsafe { runs().write_volatile(0) };
}

fn runs() -> *mut u64 {
    let hidden = hidden();
    if hidden.is_null() {
        RUNS.as_ptr()
    } else {
        hidden.cast::<u64>().wrapping_add(1)
    }
}

/// The number of this run of a handler, from 1. To be called exactly once in each run.
#[inline(never)]
pub fn count_run() -> u64 {
    let mut number: u64 = 1;
    // SAFETY: adds to a static and reads it.
    unsafe {
        asm!(
            "xadd qword ptr [{runs}], {number}",
            runs = in(reg) runs(),
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
