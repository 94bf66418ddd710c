//! The words of a thread that the assembly at the runtime's borders reads and writes.
//!
//! # Invariants
//! - W1: only the owning thread touches its words, in its code, its signal handlers or the assembly.
//! - W2: `active != 0` implies that `context` points to this thread's context and that every other
//!   word is valid for the run in progress.

use core::arch::{asm, global_asm};

use crate::paged::context::Context;

/// The words, in the layout the assembly relies on (all offsets are taken with `offset_of!`).
#[repr(C, align(64))]
pub(crate) struct ThreadWords {
    /// 1 while a handler's own code runs; 0 outside handlers and inside the runtime. The kernel reads
    /// its first byte too: while it is 1, system calls are dispatched to a signal.
    pub(crate) active: u64,
    /// PKRU outside of the body: everything of this thread is open.
    pub(crate) open_rights: u32,
    /// PKRU in the body: only its stacks and protected memory are open.
    pub(crate) closed_rights: u32,
    /// 1 when the processor has protection keys.
    pub(crate) has_keys: u64,
    /// Stack pointer in the body's caller; a multiple of 64.
    pub(crate) base: usize,
    /// Top of the runtime's private stack, 16-byte aligned.
    pub(crate) private_top: usize,
    /// The thread's context, or null before its first handler.
    pub(crate) context: *mut Context,
    /// Control-flow signature of the handler in progress.
    pub(crate) signature: u64,
    /// 0 with SSE only, 1 with AVX, 2 with AVX-512.
    pub(crate) vectors: u64,
    /// 1 while the closure of an effect runs.
    pub(crate) in_effect: u64,
}

const _: () = assert!(size_of::<ThreadWords>() == 128);

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

/// The same as a reference, for code that holds no other.
#[inline(always)]
pub(crate) fn own_words<'a>() -> &'a mut ThreadWords {
    // SAFETY: W1; callers use it for one access at a time.
    unsafe { &mut *thread_words() }
}

/// Whether the calling thread is executing a handler's own code.
#[inline(always)]
pub(crate) fn handler_active() -> bool {
    // SAFETY: computes the place of one word of this thread.
    let active = unsafe { &raw const (*thread_words()).active };
    // SAFETY: reads it (W1).
    unsafe { active.read_volatile() != 0 }
}

/// Whether the calling thread is executing the closure of an effect.
#[inline(always)]
pub(crate) fn in_effect() -> bool {
    own_words().in_effect != 0
}
