//! A target under ptrace: launched the same way each time, stepped, struck, copied.
//!
//! 1. [`launch`] starts the program without address randomisation, on one core, with fixed
//!    descriptors, environment and random bytes, and brings it to its first marker.
//! 2. [`breakpoint`] lets it run natively to the marker of a request.
//! 3. [`Tracee::step`] walks through the handler, instruction by instruction.
//! 4. [`copy`](Tracee::copy) has the stopped target clone itself; a fault is applied to the copy,
//!    which then runs natively to its end.
//! 5. [`watchdog`] ends copies that do not come to one.

pub mod breakpoint;
pub mod launch;
pub mod maps;
pub mod startup;
pub mod vectors;
pub mod watchdog;

mod copying;
mod tracee;

pub(crate) use tracee::stop_of;
pub use tracee::{Registers, Stop, Tracee};
