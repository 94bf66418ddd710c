//! Everything that asks the operating system: memory, locks, thread ends, forks.
//!
//! Nothing in here allocates through the global allocator, because the allocator calls it.

pub(crate) mod fork;
pub(crate) mod lock;
pub(crate) mod memory;
pub(crate) mod protection_key;
pub(crate) mod signal;
pub(crate) mod thread_exit;
pub(crate) mod userfault;
