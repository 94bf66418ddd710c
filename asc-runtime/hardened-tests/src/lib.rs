//! What the hardened test programs share: seeded randomness, digests and arguments.
//!
//! The programs themselves are in `src/bin`; `tests/hardened/` builds them with `cargo asc` in
//! every profile and runs them.

pub mod allocating;
pub mod arguments;
pub mod bump;
pub mod child;
pub mod digest;
pub mod page_mode;
pub mod random;
pub mod unseen;
