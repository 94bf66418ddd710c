//! The twice-execution engine of ASC hardening.
//!
//! `#[asc_handler]` marks an event handler. In a program built by `cargo asc` the handler runs
//! twice from the same state: every store of the first run is logged and undone, the second run
//! must store the same values at the same places, allocate and free the same blocks and say the
//! same bytes, and only then does its effect count. A difference means that a processor or a
//! memory cell computed or kept a wrong value; by default the process stops with one incident on
//! standard error and exit status [`EXIT_FAULT`] before anything wrong leaves it. It can drop the
//! message or try again instead: see [`OnFault`], [`Setup`] and [`Incident`].
//!
//! In a program built by plain `cargo` the same source runs every handler once, unprotected, except those
//! with `intercept = source`. With the
//! feature `page`, `asc_alloc::AscAlloc` as the global allocator and one call at its beginning
//! (`paged::start`) it runs them twice, with the processor's memory management in the compiler's place.
//! [`mode()`] tells which of the three it is.
//!
//! ```
//! use asc_runtime::{asc_handler, Input, Output};
//!
//! struct Counter {
//!     total: u64,
//! }
//!
//! impl Counter {
//!     #[asc_handler]
//!     fn add(&mut self, request: &Input<'_>, reply: &mut Output) {
//!         self.total += request.bytes().len() as u64;
//!         reply.write(self.total.to_string().as_bytes());
//!     }
//! }
//!
//! let mut counter = Counter { total: 40 };
//! let mut reply = Output::new();
//! counter.add(&Input::seal(b"ab"), &mut reply);
//! assert_eq!(reply.bytes(), b"42");
//! ```

pub use asc_macros::{asc_fn, asc_handler};

mod address;
mod checksum;
mod effects;
mod exit_status;
mod fault;
#[cfg_attr(not(asc), allow(dead_code, reason = "an engine reports"))]
mod incident;
mod input;
mod mode;
mod output;
#[cfg(not(asc))]
mod pass_through;
#[cfg_attr(not(asc), allow(dead_code, reason = "an engine decides"))]
mod policy;
mod protected;
#[cfg_attr(not(asc), allow(dead_code, reason = "an engine refuses"))]
mod refuse;
#[cfg(not(asc))]
mod run_once;
#[cfg(any(asc, feature = "page"))]
mod run_twice;
mod setup;
#[cfg_attr(not(asc), allow(dead_code, reason = "an engine counts"))]
mod statistics;
#[cfg_attr(not(asc), allow(dead_code, reason = "an engine writes"))]
mod text;
mod wrapped_allocator;

#[cfg(asc)]
pub mod audit;
#[cfg(asc)]
mod hardened;
#[cfg(all(feature = "page", not(asc)))]
pub mod paged;

#[cfg(all(feature = "page", not(asc)))]
#[doc(hidden)]
pub mod source;

/// The engine of this build: both have the same face.
#[cfg(asc)]
use hardened as engine;
#[cfg(all(feature = "page", not(asc)))]
use paged as engine;

pub use __private::HandlerArgument;
pub use address::Address;
pub use checksum::crc32c;
pub use effects::{after_commit, effect};
pub use exit_status::{EXIT_FAULT, EXIT_REFUSED};
pub use fault::{Fault, Stage};
#[cfg(all(asc, feature = "fault-points"))]
#[doc(hidden)]
pub use hardened::fault_points;
pub use incident::{Action, Classification, INCIDENT_VERSION, Incident};
pub use input::Input;
pub use mode::{Mode, checks_loads, mode};
pub use output::Output;
pub use policy::{OnFault, OnFaultError};
pub use protected::{protected, scrub};
pub use setup::{Setup, SetupError};
pub use statistics::{IntegrityStatistics, Statistics, prometheus, statistics};
pub use wrapped_allocator::Asc;

#[doc(hidden)]
pub mod __private;
pub mod sync;
