//! The twice-execution engine of ASC hardening.
//!
//! `#[asc_handler]` marks an event handler. In a program built by `cargo asc` the handler runs
//! twice from the same state: every store of the first run is logged and undone, the second run
//! must store the same values at the same places, allocate and free the same blocks and say the
//! same bytes, and only then does its effect count. A difference means that a processor or a
//! memory cell computed or kept a wrong value; by default the process stops with one incident on
//! standard error and exit status [`EXIT_FAULT`] before anything wrong leaves it.
//!
//! In a program built by plain `cargo` the same source runs every handler once, unprotected;
//! [`mode()`] tells which of the two it is.
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

pub use asc_macros::asc_handler;

mod address;
mod checksum;
mod effects;
mod exit_status;
mod fault;
mod input;
mod mode;
mod output;
mod statistics;

#[cfg(asc)]
pub mod audit;
#[cfg(asc)]
mod hardened;
#[cfg(asc)]
mod incident;
#[cfg(asc)]
mod refuse;
#[cfg(asc)]
mod stderr_line;
#[cfg(asc)]
mod symbol;
#[cfg(any(asc, test))]
mod symbol_table;

pub use __private::HandlerArgument;
pub use address::Address;
pub use checksum::crc32c;
pub use effects::{after_commit, effect};
pub use exit_status::{EXIT_FAULT, EXIT_REFUSED};
pub use fault::{Fault, Stage};
#[cfg(asc)]
pub use hardened::allocation::Asc;
#[cfg(all(asc, feature = "fault-points"))]
#[doc(hidden)]
pub use hardened::fault_points;
pub use input::Input;
pub use mode::{Mode, mode};
pub use output::Output;
pub use statistics::{Statistics, statistics};

#[doc(hidden)]
pub mod __private;
