//! memcached's protocols: classic text, meta and binary.
//!
//! [`frame`] finds where a request ends, outside of the handler; `command` understands its
//! command line, inside. Both look for the end of the line and for the length of a data block with
//! the same functions, so that they cannot disagree. Where stock memcached is lenient (numbers,
//! spaces, a NUL that ends a line) so is this.

pub mod frame;
pub mod reply;

pub(crate) mod administration;
pub(crate) mod base64;
pub(crate) mod binary;
pub(crate) mod meta;

mod class_selection;
mod command;

mod line;
pub(crate) mod number;
mod rejection;
mod retrieval;
mod scan;
mod statistics_command;
mod storage;
mod words;

pub use class_selection::ClassSelection;
pub(crate) use command::{Arithmetic, Command, Delete, Direction, Touch};
pub(crate) use line::split_request;
pub(crate) use rejection::Rejection;
pub(crate) use retrieval::Retrieval;
pub use statistics_command::StatisticsKind;
pub(crate) use statistics_command::{CacheDump, DetailCommand};
pub(crate) use storage::{Store, StoreMode};
pub(crate) use words::Words;

/// Longest key.
pub const KEY_BYTES_MAX: usize = 250;
