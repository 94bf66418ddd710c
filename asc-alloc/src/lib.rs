//! An allocator for state that handlers change: a general-purpose heap, and write sessions on a part
//! of it that the memory management unit guards.
//!
//! ```
//! use asc_alloc::AscAlloc;
//!
//! #[global_allocator]
//! static ALLOC: AscAlloc = AscAlloc::new();
//!
//! let state = ALLOC.protected(|| vec![0u8; 100]);   // protected arena
//! let buffer = vec![0u8; 100];                      // ordinary arena
//! assert!(AscAlloc::is_protected(state.as_ptr()));
//! assert!(!AscAlloc::is_protected(buffer.as_ptr()));
//! ```
//!
//! Three layers, each of use without the next:
//!
//! 1. **The heap.** One reserved region with an ordinary and a protected arena, size classes, caches per
//!    thread. Nothing of its own lies in the memory that it hands out: pages can be closed, compared and
//!    copied as they are. [`safety_argument`] has the invariants.
//! 2. **The page level** ([`page`]), off until [`page::Builder::start`]. From then on protected memory
//!    changes only within a [`page::Session`].
//! 3. **Line codes** ([`line_code`], [`page::Builder::integrity`], [`page::Scrubber`]), off until asked
//!    for: they find what rots while it rests.
//!
//! # The interface to a twice-execution engine
//!
//! An engine that runs a handler twice needs this and nothing else:
//!
//! | stage of the engine | call |
//! |---|---|
//! | program start | [`page::Builder::start`]; [`page::set_stray_write_reporter`] for its own incidents |
//! | begin of the handler | [`page::Session::begin`], [`diversion::divert`] |
//! | write set of pages, for audits and statistics | [`page::Session::dirty_pages`] |
//! | first run done: snapshot of its results | [`page::Session::capture`] |
//! | rollback, read back and checked | [`page::Session::restore`] |
//! | second run done: comparison | [`page::Session::compare`] |
//! | commit | [`page::Session::commit`] |
//! | fault, panic, omission | [`page::Session::roll_back`], or dropping the session |
//!
//! The engine records the first run's allocations and answers the second run's with the same blocks, as
//! it does at word level, and defers frees to the commit ([`diversion`]); the heap knows nothing of runs.
//! Blocks that a handler allocated which is then rolled back are the engine's to free.
//!
//! # Limits
//!
//! x86-64 Linux with glibc. A signal handler must not allocate. C code allocates here only if it is told
//! to; memory of the C library's own `malloc` is neither guarded nor compared.

// Tests within the crate share their support with those outside.
#[cfg(test)]
extern crate self as asc_alloc;

pub mod diversion;
pub mod line_code;
pub mod lines;
pub mod page;
pub mod safety_argument;

mod allocator;
mod domain;
mod heap;
mod size_class;
mod statistics;
mod stop;
mod sys;

pub use allocator::AscAlloc;
pub use domain::{OrdinaryScope, ProtectedScope};
pub use statistics::{PageStatistics, SpanStatistics, Statistics, statistics};
