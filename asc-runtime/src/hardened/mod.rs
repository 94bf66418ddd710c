//! The twice-execution engine of hardened builds.
//!
//! The path of a handler: [`execution`] tells the story; [`context`] is what a thread needs for
//! it; [`hooks`] are what compiled code calls; [`undo_log`], [`event_log`] and [`fresh_blocks`]
//! hold what a run did; [`gate`] proves that every stage was passed.
//!
//! # Safety argument
//!
//! The engine reads and writes memory it does not own, at addresses that compiled code handed to
//! the hooks. Its invariants:
//!
//! - E1: every address in the undo log was about to be written by the thread's own handler, with
//!   that length, when it was logged; so it is valid for reads and writes of that length. It stays
//!   so until the handler commits, because blocks freed by the handler are released at commit only
//!   and the frames above the handler's entry outlive it.
//! - E2: the runtime touches only this thread's context while a handler runs, so nothing here is
//!   shared but the counters and the list of contexts, which are atomic.
//!   A stage that holds the context exclusively lends it, by a pointer made from its own, before
//!   it lets the body run; between two stages nothing is kept in registers.
//! - E3: after the rollback every logged byte holds what it held before the run (this is
//!   verified, not assumed); the second run therefore starts from the state of the first, and
//!   values that the first run moved, dropped or freed are whole again. That is why a `FnOnce`
//!   body may be called twice: for the program the first call never happened.
//!   A fault that leaves this in doubt is never recovered from: see [`recovery`].
//! - E4: the runtime's own code is compiled without the passes and runs with `active == 0`, so it
//!   never enters the hooks' recording paths.
//!
//! What is *not* rolled back is executed once and replayed: see [`event_log`].

pub(crate) mod after_commit;
mod allocated;
pub(crate) mod allocation;
pub(crate) mod atomic;
pub(crate) mod call;
pub(crate) mod captured;
pub(crate) mod closure;
mod commit;
pub(crate) mod context;
mod context_list;
pub(crate) mod effect;
pub(crate) mod event_log;
pub(crate) mod execution;
#[cfg(feature = "fault-points")]
pub mod fault_points;
#[cfg(not(feature = "fault-points"))]
#[path = "fault_points_disabled.rs"]
pub(crate) mod fault_points;
pub(crate) mod first_touch;
mod footprint;
pub(crate) mod fresh_blocks;
pub(crate) mod gate;
pub(crate) mod guarded;
pub(crate) mod hooks;
#[cfg(asc_crc)]
pub(crate) mod integrity;
#[cfg(not(asc_crc))]
#[path = "integrity_disabled.rs"]
pub(crate) mod integrity;
pub(crate) mod live_outputs;
pub(crate) mod lock_graph;
pub(crate) mod locks;
mod lookup;
pub(crate) mod mapping;
pub(crate) mod memory;
pub(crate) mod output;
pub(crate) mod panic_hook;
mod placement;
pub(crate) mod probe;
pub(crate) mod ranges;
pub(crate) mod recovery;
pub(crate) mod refusal;
pub(crate) mod repeat_filter;
pub(crate) mod result_slot;
mod rollback;
mod stray;
pub(crate) mod sys;
pub(crate) mod touched;
pub(crate) mod undo_log;
pub(crate) mod used_inputs;
pub(crate) mod working_set;

/// The atomics of `lock_graph`, in whose place its test puts those of a model checker.
mod graph_atomics {
    pub(super) use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

    /// Locks that one handler may hold at a time.
    pub(crate) const LOCKS_MAX: usize = 64;
}

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

    pub(crate) const fn word(value: u64) -> Self {
        Self {
            low: value,
            high: 0,
        }
    }

    pub(crate) const fn words([low, high]: [u64; 2]) -> Self {
        Self { low, high }
    }

    pub(crate) fn pointer(pointer: *mut u8) -> Self {
        Self::word(pointer.expose_provenance() as u64)
    }
}
