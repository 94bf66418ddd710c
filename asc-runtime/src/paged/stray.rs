//! Writes to protected memory outside of handlers.

use asc_alloc::page::StrayWrite;

use crate::fault::{Fault, Stage};
use crate::incident;

/// What the allocator calls, in a signal handler, before it would end the process.
pub(crate) fn report(write: &StrayWrite) {
    write.print_backtrace();
    let reason = "a write to protected memory outside of handlers";
    let fault = Fault::new(Stage::StrayWrite, reason).at(write.address);
    incident::stop("", 0, &fault);
}
