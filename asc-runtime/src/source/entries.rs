//! From a handler into this module, by the runtime's private stack.
//!
//! What the notes leave on a stack differs between the runs, and could reach the handler's state as
//! the padding of a value.

use core::panic::Location;

use crate::paged::context::current;
use crate::paged::sys::private_entry;
use crate::paged::{Returned, announce, open_for_writing};

use super::calls::{Callee, Hidden};
use super::stop_at;

private_entry! {
    /// Notes a store of `length` bytes that is about to happen.
    pub(super) fn asc_announce_store(address: usize, length: usize);
    outside = announce_store; inside = announce_store;
}
private_entry! {
    /// In page mode: opens the pages that are about to be written.
    pub(super) fn asc_open_for_writing(address: usize, length: usize);
    outside = open_pages; inside = open_pages;
}
private_entry! {
    /// Notes who is about to be called, and at which place in the source.
    pub(super) fn asc_enter_call(callee: *const Callee, site: usize);
    outside = enter_call; inside = enter_call;
}
private_entry! {
    /// Demands that the call at this place was visible.
    pub(super) fn asc_leave_call(site: usize, place: &'static Location<'static>);
    outside = leave_call; inside = leave_call;
}
private_entry! {
    /// Notes that a function announces its stores; returns what belongs to the end of it.
    pub(super) fn asc_announce_function(function: *const Function) -> usize;
    outside = announce_function; inside = announce_function;
}
private_entry! {
    /// Notes that this function ends.
    pub(super) fn asc_end_function(outer: usize);
    outside = end_function; inside = end_function;
}
private_entry! {
    /// Notes that a run begins.
    pub(super) fn asc_clear_calls();
    outside = clear_calls; inside = clear_calls;
}

/// A function that says who it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Function {
    pub(super) place: &'static str,
    pub(super) name: &'static str,
}

extern "C" fn announce_store(address: usize, length: usize) -> Returned {
    announce(address, length);
    Returned::NOTHING
}

extern "C" fn open_pages(address: usize, length: usize) -> Returned {
    open_for_writing(address, length);
    Returned::NOTHING
}

unsafe extern "C" fn enter_call(callee: *const Callee, site: usize) -> Returned {
    // SAFETY: a live local of the caller.
    let callee = unsafe { *callee };
    current().announced.calls.enter(site, callee);
    Returned::NOTHING
}

extern "C" fn leave_call(site: usize, place: &'static Location<'static>) -> Returned {
    match current().announced.calls.leave(site) {
        Ok(()) => Returned::NOTHING,
        Err(Hidden::Unannounced(callee)) => {
            let name = callee.name();
            stop_at(
                place,
                format_args!("calls `{name}`, whose stores are not announced"),
            );
        }
        Err(Hidden::Unknown) => stop_at(
            place,
            format_args!("returns from a call that it never began"),
        ),
    }
}

unsafe extern "C" fn announce_function(function: *const Function) -> Returned {
    // SAFETY: a live local of the caller.
    let Function { place, name } = unsafe { *function };
    let outer = current().announced.calls.announce(place, name);
    Returned::words([outer as u64, 0])
}

extern "C" fn end_function(outer: usize) -> Returned {
    current().announced.calls.end(outer);
    Returned::NOTHING
}

extern "C" fn clear_calls() -> Returned {
    current().announced.calls.clear();
    Returned::NOTHING
}
