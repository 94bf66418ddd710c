//! The words of a thread that the assembly fast paths read and write.
//!
//! They live in thread-local storage under a fixed symbol, because the interceptors must reach
//! them with one segment-relative access and without calling anything. `thread_local!` hides its
//! symbol, so the storage is declared here; it starts as zeroes, which means "no handler".
//!
//! # Invariants
//! - W1: only the owning thread touches its words, through [`thread_words`] or the assembly.
//! - W2: `active != 0` implies that `context` points to this thread's context and that every
//!   other word is valid for the run in progress.
//! - W3: while application code executes, `active` is what it was when the innermost of its
//!   functions was called. It changes where the runtime calls a body or a closure of an effect,
//!   and where application code calls the runtime; both put it back before they return.

use core::arch::{asm, global_asm};

use crate::hardened::context::Context;
use crate::hardened::undo_log::Entry;

/// The words, in the layout the assembly relies on (all offsets are taken with `offset_of!`).
#[repr(C, align(64))]
pub(crate) struct ThreadWords {
    /// 1 while a handler's own code runs; 0 outside handlers and inside the runtime.
    pub(crate) active: u64,
    /// The top of the handler's stack; addresses below it are the handler's locals.
    pub(crate) entry: usize,
    /// The stack pointer in the body's caller, a multiple of 64; see [`super::run_body`].
    pub(crate) base: usize,
    /// The lowest stack pointer any hook of this run has seen.
    pub(crate) deepest: usize,
    /// Where the next log entry goes (recording) or is expected (checking).
    pub(crate) cursor: *mut Entry,
    /// Where the fast path must stop and ask the runtime.
    pub(crate) limit: *mut Entry,
    /// 1 when stores are recorded, 2 when they are checked against the record.
    pub(crate) phase: u64,
    /// The run's generation in the upper bits, as the repeat filter stores it.
    pub(crate) filter_tag: u64,
    /// The repeat filter's slots.
    pub(crate) filter: *mut u64,
    /// Number of slots minus one.
    pub(crate) filter_mask: u64,
    /// Top of the runtime's private stack, 16-byte aligned.
    pub(crate) private_top: usize,
    /// The thread's context, or null before its first handler.
    pub(crate) context: *mut Context,
    /// Sum of the addresses of this run's word stores, logged or not.
    pub(crate) stores: u64,
    /// Control-flow signature of the handler in progress.
    pub(crate) signature: u64,
    /// The first stack word above the return address at the last entry into the runtime.
    pub(crate) seventh_argument: u64,
    /// Where the result of the run in progress is copied.
    pub(crate) result: *mut u64,
    /// How many words it has.
    pub(crate) result_words: usize,
    /// 0 with SSE only, 1 with AVX, 2 with AVX-512.
    pub(crate) vectors: u64,
    /// 1 while a closure runs that a handler executes once.
    pub(crate) in_effect: u64,
}

const _: () = assert!(size_of::<ThreadWords>() == 192);

global_asm!(
    ".pushsection .tbss.asc_thread,\"awT\",@nobits",
    ".globl asc_thread",
    ".hidden asc_thread",
    ".type asc_thread, @object",
    ".size asc_thread, {size}",
    ".p2align 6",
    "asc_thread:",
    ".zero {size}",
    ".popsection",
    size = const size_of::<ThreadWords>(),
);

/// The calling thread's words. Valid, aligned and initialised for the thread's whole life.
#[inline(always)]
pub(crate) fn thread_words() -> *mut ThreadWords {
    let words: *mut ThreadWords;
    // SAFETY: reads the thread pointer and adds a link-time constant; both are defined for every
    // thread of a glibc program, and nothing is written.
    unsafe {
        asm!(
            "mov {words}, qword ptr fs:[0]",
            "add {words}, qword ptr [rip + asc_thread@GOTTPOFF]",
            words = out(reg) words,
            options(pure, nomem, nostack),
        );
    }
    words
}

/// Whether the calling thread is executing a handler's own code.
///
/// Asked anew each time, for the runtime itself, whose functions see the answer change.
#[inline(always)]
pub(crate) fn handler_active() -> bool {
    // SAFETY: reads one word of this thread (W1).
    unsafe {
        asm!(
            "cmp byte ptr fs:[asc_thread@TPOFF], 0",
            "jne {active}",
            active = label {
                core::hint::cold_path();
                return true;
            },
            options(readonly, nostack),
        );
    }
    false
}

/// Whether the function that this is inlined into belongs to a handler: for hooks alone.
///
/// The compiler may take one answer for as long as that function executes (W3), and build what it
/// executes twice: with the handler's part of all hooks and with none of them.
#[inline(always)]
pub(crate) fn called_by_handler() -> bool {
    let active: u32;
    // SAFETY: reads one word of this thread (W1). By W3 the answer is as constant for the function
    // as its thread is, so nothing but the function decides it.
    unsafe {
        asm!(
            "mov {active:e}, dword ptr fs:[asc_thread@TPOFF]",
            active = out(reg) active,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    if active != 0 {
        core::hint::cold_path();
    }
    active != 0
}

/// Whether the calling thread is executing a closure that a handler runs once.
#[inline]
pub(crate) fn in_effect() -> bool {
    // SAFETY: this thread's own word (W1), always valid.
    unsafe { (*thread_words()).in_effect != 0 }
}
