//! What tests of several programs share.

pub(crate) mod backends;
pub(crate) mod cases;
