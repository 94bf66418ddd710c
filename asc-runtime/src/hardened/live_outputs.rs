//! Which outputs exist, for the audit.
//!
//! Each output reserves a gigabyte of address space and uses a few pages of it. An audit looks at
//! all writable memory; it asks here for the reserves, and leaves out what no output has used.
//!
//! 1. [`add`] when an output is mapped, [`remove`] before it is unmapped; both outside of handlers.
//! 2. [`all`] while an audit lists memory.

use core::ptr::NonNull;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::integrity::heap;
use super::output::State;

/// Addresses of the outputs that exist.
static LIVE: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());

/// Notes a new output.
pub(crate) fn add(output: NonNull<State>) {
    let _ordinary = heap::ordinary();
    live().insert(output.as_ptr().expose_provenance());
}

/// Forgets an output that is about to be unmapped.
pub(crate) fn remove(output: NonNull<State>) {
    live().remove(&output.as_ptr().addr());
}

/// Every output, in the order of their addresses.
pub(crate) fn all() -> Vec<*const State> {
    let pointer = |&address: &usize| core::ptr::with_exposed_provenance(address);
    live().iter().map(pointer).collect()
}

fn live() -> MutexGuard<'static, BTreeSet<usize>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}
