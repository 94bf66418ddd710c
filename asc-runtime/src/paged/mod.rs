//! Page mode: two runs of each handler in a program that plain cargo built.
//!
//! [`start()`], called first of all, makes every `#[asc_handler]` run twice, with the checks, faults, incidents
//! and exit statuses of hardened builds. Nothing in the program's code tells what a handler stores. The
//! processor does:
//!
//! | where a handler stores | how it is seen | what it costs |
//! |---|---|---|
//! | protected memory of `asc_alloc`, C code's stores too | pages | a fault for a cold page, two comparisons for a hot one |
//! | its own frames | they lie on a stack of their own, cleared before each run | clearing |
//! | its callers' frames | a copy of the thread's stack | copying what is in use |
//! | everything else: statics, thread-locals, ordinary heap, other threads' stacks, mappings | one store at a time, by a protection key that closes it all | four microseconds or more for each store |
//!
//! So nothing is left out, but state is cheap only where it belongs: what a handler allocates, and what is
//! allocated in [`asc_alloc::AscAlloc::protected`], is protected memory. [`crate::Statistics::stepped_stores`]
//! counts the stores that took the expensive way.
//!
//! # What to know
//!
//! - *Protected memory changes in handlers and in `protected` only.* A write from anywhere else is a stray
//!   write: one incident with the backtrace before it, and exit status 86. That holds for what a
//!   handler returns or leaves in its arguments, too: read it, drop it, clone it, or change it in
//!   `protected`. A value whose drop writes to memory (an `Arc`) is dropped there as well.
//! - *Handlers are one at a time*, on whatever threads. A handler that is called within `protected` is
//!   refused.
//! - *System calls inside handlers* are refused with exit status 87 and the call's name, those of inline
//!   assembly too. Waiting and waking at locks, and ending the process, are allowed.
//! - *System calls outside of handlers that write into protected memory* (`read`, `recv`, `getrandom`
//!   into a buffer there) fail with `EFAULT`, "Bad address": the kernel does not open closed pages.
//!   [`explain_efault`] says so where a buffer is protected. Read into ordinary memory and copy it in a handler.
//! - *Atomics.* An atomic operation on shared memory is undone and executed again: what was added is
//!   subtracted atomically, everything else is exchanged back. If another thread has meanwhile exchanged it too, the
//!   program is refused; locks and swaps on memory that other threads change belong outside of handlers.
//! - *Other threads that write to the stack of a thread in a handler*, or to a static word that the handler
//!   writes, are taken for the handler.
//! - *Locks inside handlers*, those of [`crate::sync`] too, are released and taken again between the runs. Other
//!   handlers cannot come between; a thread outside of handlers can. Lock outside, around the handler,
//!   what such threads lock as well, and keep the lock itself in ordinary memory
//!   ([`asc_alloc::AscAlloc::ordinary`]). A panic takes std's lock on the panic hook: a handler that panics
//!   while another thread panics outside of handlers may be refused.
//! - *C's `malloc`* is the C library's own business: memory from it is ordinary, and allocating it in a handler is
//!   refused where it needs a system call and slow where not. Give C libraries Rust's allocator where they take one.
//! - *Clocks and random bytes* asked of the C library are recorded and replayed; the time-stamp counter is not.
//! - *A handler that never ends in its second run* is not ended.
//! - *Restartable sequences* of threads with handlers are given up: `sched_getcpu` asks the kernel instead.
//! - *Debuggers* that step through handlers, and other users of SIGTRAP and SIGSYS, get in the way.
//!
//! # Without protection keys
//!
//! On processors without them, or before Linux 6.12, [`start()`] returns [`StartError::Unguarded`]. With
//! [`Builder::accept_unguarded`] it starts nevertheless: protected memory and the thread's own stack are
//! covered, everything else is not. What a handler changes there happens twice: in statics, thread-locals (the
//! keys of a new `HashMap`), blocks from outside of `protected`, locks. Every fault stops the process, whatever the
//! policy, because a store may have escaped the rollback.
//!
//! # Safety argument
//!
//! - P1: after the rollback every byte that the first run changed holds what it held before: pages and
//!   stack by their copies, everything else by the log of single stores, each verified. What the first
//!   run allocated stays allocated and what it freed was not freed yet. So the second run starts
//!   from the state of the first, and a `FnOnce` body may be called again: for the program the first call
//!   never happened.
//! - P2: a context and its stacks are one thread's alone while it lives, and are never unmapped.
//! - P3: the body runs with everything closed that is not copied or cleared; the runtime opens it on its
//!   way in and closes it on its way out, so its own stores are never taken for the handler's.
//! - P4: signal handlers of this module run on the alternate stack with ordinary memory and the stacks
//!   open, and change nothing but the context and the frame that they return to.

#[path = "../hardened/after_commit.rs"]
#[allow(dead_code, reason = "asked by audits of the word level")]
pub(crate) mod after_commit;
pub(crate) mod allocation;
mod announcements;
#[path = "../hardened/call.rs"]
pub(crate) mod call;
pub(crate) mod caller_stack;
#[path = "../hardened/captured.rs"]
pub(crate) mod captured;
pub(crate) mod closure;
pub(crate) mod context;
#[path = "../hardened/context_list.rs"]
mod context_list;
mod doubt;
mod efault;
mod effect;
#[path = "../hardened/event_log.rs"]
#[allow(dead_code, reason = "atomic operations are events of the word level")]
pub(crate) mod event_log;
pub(crate) mod execution;
#[path = "../hardened/gate.rs"]
pub(crate) mod gate;
#[path = "../hardened/guarded.rs"]
#[allow(dead_code, reason = "some fields are the word level's")]
pub(crate) mod guarded;
pub(crate) mod handler_stack;
pub(crate) mod integrity;
#[path = "../hardened/mapping.rs"]
#[allow(dead_code, reason = "asked by audits of the word level")]
pub(crate) mod mapping;
#[path = "../hardened/memory.rs"]
#[allow(dead_code, reason = "words are the word level's")]
pub(crate) mod memory;
#[path = "../hardened/output.rs"]
#[allow(dead_code, reason = "asked by audits of the word level")]
pub(crate) mod output;
#[path = "../hardened/panic_hook.rs"]
pub(crate) mod panic_hook;
#[path = "../hardened/placement.rs"]
mod placement;
mod probe;
mod recovery;
pub(crate) mod result_slot;
mod signals;
mod start;
mod store;
mod stray;
pub(crate) mod surroundings;
pub(crate) mod sys;
mod system_call;
#[path = "../hardened/used_inputs.rs"]
pub(crate) mod used_inputs;

pub(crate) use announcements::{announce, open_for_announcements, open_for_writing};
pub use efault::{Efault, explain_efault};
pub use start::{Builder, StartError, start};

/// The atomics of `context_list`, in whose place its test puts those of a model checker.
mod list_atomics {
    pub(super) use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
}

/// What a runtime function hands back to a handler: both result registers, so that no junk of
/// the runtime stays in the second.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct Returned {
    low: u64,
    high: u64,
}

impl Returned {
    pub(crate) const NOTHING: Self = Self { low: 0, high: 0 };

    pub(crate) const fn words([low, high]: [u64; 2]) -> Self {
        Self { low, high }
    }

    pub(crate) fn pointer(pointer: *mut u8) -> Self {
        Self::words([pointer.expose_provenance() as u64, 0])
    }
}

/// Whether handlers run twice.
#[inline]
pub(crate) fn is_started() -> bool {
    start::is_started()
}

/// Audits of the word level ask which outputs exist; nobody does here.
mod live_outputs {
    use core::ptr::NonNull;

    use super::output::State;

    pub(super) const fn add(_output: NonNull<State>) {}

    pub(super) const fn remove(_output: NonNull<State>) {}
}
