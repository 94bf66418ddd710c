//! How a handler is called without an engine, or before page mode is started: once, unprotected.

#[cfg(not(feature = "page"))]
use crate::__private::{Handler, Tell};
use crate::effects::Nesting;
use crate::statistics;

#[inline]
pub(crate) fn run_once<R, F: FnOnce() -> R>(body: F) -> R {
    let nesting = Nesting::enter();
    let result = body();
    nesting.leave();
    statistics::count_handler();
    result
}

/// Runs a handler once.
#[cfg(not(feature = "page"))]
#[inline]
pub fn run<R, F: FnOnce() -> R>(_handler: &'static Handler, body: F) -> R {
    run_once(body)
}

/// Runs a handler once.
#[cfg(not(feature = "page"))]
#[inline]
pub fn run_or_tell<R, F: FnOnce() -> R>(
    _handler: &'static Handler,
    _tell: Option<Tell<R>>,
    body: F,
) -> R {
    run_once(body)
}
