//! Writes to protected memory outside of handlers.

use asc_alloc::page::StrayWrite;

use crate::fault::{Fault, Stage};
use crate::incident;
use crate::incident::source_line::Callers;

use super::sys::{EffectStack, call_on_stack};

/// What the allocator calls, in a signal handler, before it would end the process.
///
/// A thread that has never had a handler may have a signal stack of two pages, too short for an incident
/// and what looks its line of source up: that is done on a stack of its own.
pub(crate) fn report(write: &StrayWrite) {
    let top = EffectStack::unmapped().top();
    // SAFETY: the function gets what it expects and does not return; nothing else stands on the new stack.
    unsafe { call_on_stack(stop, core::ptr::from_ref(write).cast(), top) };
}

/// # Safety
/// `write` is a live [`StrayWrite`].
unsafe extern "C" fn stop(write: *const ()) {
    // SAFETY: by contract.
    let write = unsafe { &*write.cast::<StrayWrite>() };
    write.print_backtrace();
    let reason = "a write to protected memory outside of handlers";
    let fault = Fault::new(Stage::StrayWrite, reason).at(write.address);
    incident::stop_outside(Callers::of_signal(write.instruction), &fault);
}
