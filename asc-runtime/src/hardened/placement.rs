//! Which core a thread runs on.

use core::mem::MaybeUninit;

use crate::incident;

const SET_BYTES: usize = size_of::<libc::cpu_set_t>();

/// Does `work` on another core than the one the thread is on, and says whether there was one. The
/// thread's own affinity is restored afterwards.
pub(super) fn elsewhere<T>(work: impl FnOnce() -> T) -> (T, bool) {
    let Some(before) = affinity() else {
        return (work(), false);
    };
    let has_moved = leave_core();
    let result = work();
    if has_moved {
        // SAFETY: a valid set, which was in force.
        unsafe { libc::sched_setaffinity(0, SET_BYTES, &raw const before) };
    }
    (result, has_moved)
}

fn affinity() -> Option<libc::cpu_set_t> {
    // SAFETY: zeroes are an empty set.
    let mut set: libc::cpu_set_t = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: a live set of that size.
    let outcome = unsafe { libc::sched_getaffinity(0, SET_BYTES, &raw mut set) };
    (outcome == 0).then_some(set)
}

/// Moves the thread to any core but its own. The system leaves out those that the process may not use.
fn leave_core() -> bool {
    let Some(here) = incident::core() else {
        return false;
    };
    // SAFETY: zeroes are an empty set.
    let mut others: libc::cpu_set_t = unsafe { MaybeUninit::zeroed().assume_init() };
    for core in (0..libc::CPU_SETSIZE as usize).filter(|&core| core != here as usize) {
        // SAFETY: the core is below the size of the set.
        unsafe { libc::CPU_SET(core, &mut others) };
    }
    // SAFETY: a live set of that size.
    unsafe { libc::sched_setaffinity(0, SET_BYTES, &raw const others) == 0 }
}
