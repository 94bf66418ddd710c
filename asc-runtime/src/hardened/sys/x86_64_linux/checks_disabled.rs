//! No line codes: nothing is checked on the fast paths.

/// Nothing before a store is logged.
macro_rules! check_before_log {
    () => {
        ""
    };
}
pub(crate) use check_before_log;

/// Nothing before a short copy.
macro_rules! check_before_copy {
    () => {
        ""
    };
}
pub(crate) use check_before_copy;

/// Nothing before a short fill.
macro_rules! check_before_fill {
    () => {
        ""
    };
}
pub(crate) use check_before_fill;

/// Nothing before a call leaves the program for C.
macro_rules! settle_before_call {
    () => {
        ""
    };
}
pub(crate) use settle_before_call;
