//! The fast paths of line codes: builds with `--integrity crc` alone.
//!
//! [`words`] are what they read and write; [`mod@line`] checks one line, [`before`] has it
//! done ahead of a store or a copy, [`read_hooks`] is what compiled code
//! calls before it reads, [`compared`] stands before the C library's comparisons.

pub(crate) mod before;
pub(crate) mod compared;
pub(crate) mod line;
pub(crate) mod read_hooks;
pub(crate) mod words;

pub(crate) use before::{
    check_before_copy, check_before_fill, check_before_log, settle_before_call,
};
