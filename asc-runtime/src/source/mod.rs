//! What plain builds see of a handler in its source.
//!
//! `#[asc_handler(intercept = source)]` and `#[asc_fn]` announce the stores that are written in a body, and
//! put every call between two calls of this module. The engine is that of page mode ([`crate::paged`]),
//! with the announcements in the place of the processor's faults:
//!
//! - a store is noted with its old bytes right before it happens ([`place`]);
//! - a call that may have stored something unannounced ends the program with a refusal ([`leave`],
//!   [`opaque`]): to go on would be to guess.
//!
//! Once page mode is started it sees every store. Then nothing is opaque, and an announced store merely
//! spares the fault that would have told of it.
//!
//! # Safety argument
//!
//! - V1: a run that reaches its end has announced every store but those to its own stack, or the program
//!   has ended: what is not announced is a callee's that is not known, a macro's, or that of a drop, and
//!   those are opaque. What is dropped was owned: it was made by a constructor, given back by a call, taken
//!   from a constant or from an operator ([`kept`]), passed to the handler ([`run_or_tell`]), or lay in a place
//!   that was stored to ([`place`]), and none of these may need dropping. So undoing the announced
//!   stores undoes the run, and the body may be called again. Trusted are what an overloaded operator
//!   or a trait of std's method names does, and constants and results of operators that are not bound by
//!   `let` (`#[asc_fn]` states all of that).

mod calls;
mod entries;
mod harmless;

use core::any::{type_name, type_name_of_val};
use core::fmt::Arguments;
use core::mem::needs_drop;
use core::panic::Location;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::__private::{Handler, Tell};
use crate::mode::{Mode, mode};
use crate::paged::context::{attach, current};
use crate::paged::open_for_announcements;
use crate::paged::sys::handler_active;
use crate::refuse::refuse;
use crate::run_twice::run_twice;

use calls::{Callee, Calls};
use entries::Function;

/// What a thread knows of the handler that it runs.
#[derive(Debug, Default)]
pub(crate) struct Announced {
    /// Whether the handler in progress announces its stores.
    running: bool,
    calls: Calls,
    /// What each run panicked with.
    panics: [Option<Box<dyn Any + Send>>; 2],
}

impl Announced {
    /// Whether every store of the handler in progress was announced (V1).
    pub(crate) const fn is_running(&self) -> bool {
        self.running
    }
}

/// How a run ended. A panic's payload is a block of memory of its own, at another address in each run.
enum Ended<R> {
    Returned(R),
    Panicked,
}

/// Runs a handler twice and returns what both runs returned. Within another handler it is a part of that
/// one; with page mode started, page mode runs it.
///
/// # Panics
/// If both runs panic, the panic of the second goes on after the state they left is committed.
#[track_caller]
pub fn run<R, F: FnOnce() -> R>(handler: &'static Handler, body: F) -> R {
    run_or_tell(handler, None, body)
}

/// [`run`], for a handler whose result can tell of a dropped message.
///
/// # Panics
/// As [`run`].
#[track_caller]
pub fn run_or_tell<R, F: FnOnce() -> R>(
    handler: &'static Handler,
    tell: Option<Tell<R>>,
    body: F,
) -> R {
    if handler_active() || mode() == Mode::Page {
        return crate::run_twice::run_or_tell(handler, tell, body);
    }
    if needs_drop::<F>() {
        stop(format_args!(
            "takes an argument by value that is dropped in the run"
        ));
    }
    if needs_drop::<R>() {
        stop(format_args!("returns a value that owns memory"));
    }
    open_for_announcements();
    attach().announced.running = true;
    let ended = run_twice(handler, tell.is_some(), || noted(body));
    let announced = &mut attach().announced;
    announced.running = false;
    let [_, panic] = core::mem::take(&mut announced.panics);
    match (ended, tell) {
        (Ok(Ended::Returned(value)), _) => value,
        (Err(fault), Some(tell)) => tell(fault),
        (Ok(Ended::Panicked) | Err(_), _) => {
            resume_unwind(panic.unwrap_or_else(|| Box::new("a handler panicked")))
        }
    }
}

/// One run.
fn noted<R>(body: impl FnOnce() -> R) -> Ended<R> {
    // SAFETY: a handler is active.
    unsafe { entries::asc_clear_calls() };
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => Ended::Returned(value),
        Err(payload) => {
            let context = current();
            context.announced.panics[usize::from(context.run == 2)] = Some(payload);
            Ended::Panicked
        }
    }
}

/// Whether this thread runs a handler that announces its stores.
#[inline]
fn running() -> bool {
    handler_active() && current().announced.running
}

/// Announces a store to a place. In page mode that spares the fault of a page's first store.
#[inline]
#[track_caller]
pub fn place<T>(place: *mut T) {
    if !handler_active() {
        return;
    }
    let (address, bytes) = (place.expose_provenance(), size_of::<T>());
    if !running() {
        // SAFETY: a handler is active.
        unsafe { entries::asc_open_for_writing(address, bytes) };
        return;
    }
    if needs_drop::<T>() {
        opaque("a store to a place that owns memory");
    }
    // SAFETY: a handler is active; the caller is about to store there.
    unsafe { entries::asc_announce_store(address, bytes) };
}

/// Announces a store to a place, and passes on what is to be stored there.
#[inline]
#[track_caller]
pub fn stored<T, P>(value: T, place: *mut P) -> T {
    self::place(place);
    value
}

/// Announces a store to a place, and says again where it is.
#[inline]
#[track_caller]
pub fn target<T>(place: &mut T) -> &mut T {
    announce_whole(place);
    place
}

/// [`core::mem::swap`], announced.
#[inline]
#[track_caller]
pub fn swap<T>(left: &mut T, right: &mut T) {
    announce_whole(left);
    announce_whole(right);
    core::mem::swap(left, right);
}

/// [`core::mem::replace`], announced.
#[inline]
#[track_caller]
pub fn replace<T>(place: &mut T, value: T) -> T {
    announce_whole(place);
    core::mem::replace(place, value)
}

/// [`core::mem::take`], announced.
#[inline]
#[track_caller]
pub fn take<T: Default>(place: &mut T) -> T {
    replace(place, T::default())
}

/// Nothing is dropped here, but what owns memory would be freed by whoever it is moved to, in both runs.
#[inline]
#[track_caller]
fn announce_whole<T>(whole: &mut T) {
    place(core::ptr::from_mut(whole));
}

/// A function is about to be called; its arguments come next. `site` is which of the calls in the source of
/// the function in progress this is.
#[inline]
pub fn entering<F>(site: usize, function: F) -> F {
    enter(site, Callee::Function(type_name::<F>()));
    function
}

/// A method is about to be called on what the pointer points to; returns `site`.
#[inline]
pub fn entering_method<T: ?Sized>(site: usize, _receiver: *const T, name: &'static str) -> usize {
    let receiver = type_name::<T>();
    enter(site, Callee::Method { receiver, name });
    site
}

/// A method is about to be called on this value.
#[inline]
pub fn receiver<T>(site: usize, receiver: T, name: &'static str) -> T {
    entering_method(site, &raw const receiver, name);
    receiver
}

#[inline]
fn enter(site: usize, callee: Callee) {
    if running() {
        // SAFETY: a handler is active; the callee is a live local.
        unsafe { entries::asc_enter_call(&raw const callee, site) };
    }
}

/// The call at `site` has returned this.
#[inline]
#[track_caller]
pub fn leave<T>(site: usize, returned: T) -> T {
    if running() {
        // SAFETY: a handler is active.
        unsafe { entries::asc_leave_call(site, Location::caller()) };
    }
    kept(returned)
}

/// A value that the body has come to own, and will drop or give away.
#[inline]
#[track_caller]
pub fn kept<T>(value: T) -> T {
    keep(&value);
    value
}

/// [`kept`], for a value that stays where it is.
#[inline]
#[track_caller]
pub fn keep<T>(_value: &T) {
    if needs_drop::<T>() && running() {
        let name = type_name::<T>();
        stop(format_args!(
            "holds a `{name}`, whose drop is not announced"
        ));
    }
}

/// What a `for` loop walks through.
#[inline]
#[track_caller]
pub fn iterated<I>(items: I) -> I {
    if running() && !harmless::iterator(type_name_of_val(&items)) {
        let name = type_name::<I>();
        stop(format_args!(
            "walks through a `{name}`, whose `next` is not announced"
        ));
    }
    items
}

/// Something is about to run whose stores are not announced.
#[inline]
#[track_caller]
pub fn opaque(what: &str) {
    if running() {
        stop(format_args!("comes to {what}"));
    }
}

#[cold]
#[track_caller]
fn stop(reason: Arguments<'_>) -> ! {
    stop_at(Location::caller(), reason)
}

#[cold]
fn stop_at(place: &Location<'_>, reason: Arguments<'_>) -> ! {
    refuse(format_args!(
        "at {place} a handler with `intercept = source` {reason}. Mark what it calls with `#[asc_fn]`, or \
         start page mode (`asc_runtime::paged::start`), or build with `cargo asc`, where nothing has to be \
         announced"
    ))
}

/// A function announces its stores: `place` is the module or the type it is defined in.
#[inline]
pub fn visible(place: &'static str, name: &'static str) -> Visible {
    let mut outer = 0;
    if running() {
        let function = Function { place, name };
        // SAFETY: a handler is active; the function is a live local.
        outer = unsafe { entries::asc_announce_function(&raw const function) };
    }
    Visible { outer }
}

/// Lives as long as a function that announces its stores.
#[derive(Debug)]
pub struct Visible {
    outer: usize,
}

impl Drop for Visible {
    fn drop(&mut self) {
        if running() {
            // SAFETY: a handler is active.
            unsafe { entries::asc_end_function(self.outer) };
        }
    }
}
