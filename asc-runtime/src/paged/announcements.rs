//! Stores that a handler's source announces, in the place of the processor's faults.
//!
//! Where page mode is not started, handlers with `intercept = source` run on the same engine: without
//! a session, because nothing is protected, and with everything open. What they store is noted as a
//! store to the surroundings would be. [`crate::source`] says what they must announce, and sees to it.
//!
//! The stack of their callers is not copied: what they store there is announced like anything else, a
//! result that does not fit the slot included, and other threads may use the rest meanwhile.

use core::sync::atomic::{AtomicBool, Ordering};

use crate::refuse::refuse;

use super::context::current;
use super::surroundings::{Kind, Store};
use super::sys::frame;
use super::{signals, start};

static OPENED: AtomicBool = AtomicBool::new(false);

/// Prepares the process for handlers that announce their stores. Page mode cannot be started
/// any more.
pub(crate) fn open_for_announcements() {
    if !OPENED.load(Ordering::Acquire) {
        open_first();
    }
}

#[cold]
fn open_first() {
    let _starting = start::lock();
    if OPENED.load(Ordering::Relaxed) || start::is_started() {
        return;
    }
    frame::prepare();
    // For the handlers' stacks, which grow by faults.
    if !signals::install() {
        refuse(format_args!(
            "the system refused handlers for SIGSEGV, SIGBUS, SIGTRAP and SIGSYS"
        ));
    }
    OPENED.store(true, Ordering::Release);
}

/// Whether such handlers have run.
pub(super) fn are_open() -> bool {
    OPENED.load(Ordering::Relaxed)
}

/// Spares the fault of a store of the handler in progress that is about to happen, in page mode.
pub(crate) fn open_for_writing(address: usize, length: usize) {
    if let Some(session) = &current().session {
        session.open_for_writing(address, length);
    }
}

/// Notes a store of the handler in progress that is about to happen.
pub(crate) fn announce(address: usize, length: usize) {
    let context = current();
    // Each run has that stack afresh.
    if length == 0 || context.stack.contains(address) {
        return;
    }
    let outcome = context.surroundings.announce(Store {
        address,
        length,
        kind: Kind::Plain,
        operation: 0,
        operands: [0; 2],
    });
    context.demand(outcome);
}
