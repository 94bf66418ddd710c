//! The twice-execution engine.
//!
//! This is the interface; the engine behind it arrives file by file.
pub use asc_macros::asc_handler;

mod mode;
mod input;
mod output;
mod statistics;
pub use input::Input;
pub use mode::{Mode, mode};
pub use output::Output;
pub use statistics::{Statistics, statistics};

#[doc(hidden)]
pub mod __private;
