//! What the fast paths of line codes read and write: words of the thread, and words of the process.
//!
//! # Invariants
//! - K1: only the owning thread touches its words, through [`check_words`] or the assembly.
//! - K2: `checking != 0` implies that all other words are valid for the handler in progress.
//! - K3: the process's words never change once written, `bytes` last; while that is 0, no thread has allocated
//!   protected memory.

use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicU64, AtomicUsize};

/// Lines that the thread has looked at most recently; a power of two.
pub(crate) const RECENT_LINES: usize = 128;
/// Bits of a key below the handler's tag.
pub(crate) const TAG_SHIFT: u32 = 40;

/// The words of a thread.
#[repr(C, align(64))]
pub(crate) struct CheckWords {
    /// 1 while reads are checked: in the first run of a handler.
    pub(crate) checking: u64,
    /// 1 while a store from outside of handlers is not yet in the codes.
    pub(crate) pending: u64,
    /// The set's slots: line plus tag, and how many less one.
    pub(crate) keys: *mut u64,
    pub(crate) mask: u64,
    /// Where each slot's line is in the list of changes; see `line_set`.
    pub(crate) places: *mut u32,
    /// What the handler in progress adds to a line to make a key.
    pub(crate) tag: u64,
    /// Lines in the set, and with how many it wants to grow.
    pub(crate) count: u64,
    pub(crate) limit: u64,
    /// Registers and a return address, while a line is checked.
    pub(crate) kept: [u64; 16],
    /// The line that was last seen in each place. Line 0 is never in use.
    pub(crate) recent: [u64; RECENT_LINES],
}

/// The words of the process.
#[repr(C, align(64))]
pub(crate) struct LineWords {
    /// First address of the protected arena.
    pub(crate) start: AtomicUsize,
    /// Its length; 0 until the codes are started.
    pub(crate) bytes: AtomicUsize,
    /// The logarithm of a line's length, and that length.
    pub(crate) shift: AtomicU64,
    pub(crate) line_bytes: AtomicU64,
    /// The codes.
    pub(crate) table: AtomicUsize,
}

global_asm!(
    ".pushsection .tbss.asc_checks,\"awT\",@nobits",
    ".globl asc_checks",
    ".hidden asc_checks",
    ".type asc_checks, @object",
    ".size asc_checks, {thread}",
    ".p2align 6",
    "asc_checks:",
    ".zero {thread}",
    ".popsection",
    ".pushsection .bss.asc_lines,\"aw\",@nobits",
    ".globl asc_lines",
    ".hidden asc_lines",
    ".type asc_lines, @object",
    ".size asc_lines, {process}",
    ".p2align 6",
    "asc_lines:",
    ".zero {process}",
    ".popsection",
    thread = const size_of::<CheckWords>(),
    process = const size_of::<LineWords>(),
);

/// The calling thread's words. Valid, aligned and initialised for the thread's whole life.
#[inline(always)]
pub(crate) fn check_words() -> *mut CheckWords {
    let words: *mut CheckWords;
    // SAFETY: reads the thread pointer and adds a link-time constant; both are defined for every
    // thread of a glibc program, and nothing is written.
    unsafe {
        asm!(
            "mov {words}, qword ptr fs:[0]",
            "add {words}, qword ptr [rip + asc_checks@GOTTPOFF]",
            words = out(reg) words,
            options(pure, nomem, nostack),
        );
    }
    words
}

/// The words of the process.
#[inline(always)]
pub(crate) fn line_words() -> &'static LineWords {
    unsafe extern "C" {
        safe static asc_lines: LineWords;
    }
    &asc_lines
}
