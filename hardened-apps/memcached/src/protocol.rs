//! memcached's classic text protocol.
//!
//! [`frame`] finds where a request ends, outside of the handler; `command` understands its
//! command line, inside. Both look for the end of the line and for the length of a data block with
//! the same functions, so that they cannot disagree. Where stock memcached is lenient (numbers,
//! spaces, a NUL that ends a line) so is this.

pub mod frame;
pub mod reply;

mod command;

mod line;
pub(crate) mod number;
mod rejection;
mod scan;
mod words;

pub use command::StatisticsKind;
pub(crate) use command::{
    Arithmetic, Command, Delete, Direction, Retrieval, Store, StoreMode, Touch,
};
pub(crate) use line::split_request;
pub(crate) use rejection::Rejection;

/// Longest key.
pub const KEY_BYTES_MAX: usize = 250;
