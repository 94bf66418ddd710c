//! How a handler is called in a build with an engine: its body and the place of its result are laid out so that the
//! engine can call it as often as it must.

use core::mem::{ManuallyDrop, MaybeUninit};
use core::ptr;

use crate::__private::{Handler, Tell};
use crate::engine::call::{Call, ResultPlace};
use crate::engine::captured::Captured;
use crate::engine::execution::{demand_receipt, dropped, execute};
use crate::engine::result_slot::{self, RESULT_ALIGNMENT_MAX, RESULT_BYTES_MAX};
use crate::fault::Fault;

/// Runs a handler twice and returns what both runs returned. Within another handler it is a part
/// of that one; before page mode is started it runs once.
///
/// # Panics
/// If both runs panic alike, the panic goes on after the state they left is committed.
#[inline]
pub fn run<R, F: FnOnce() -> R>(handler: &'static Handler, body: F) -> R {
    run_or_tell(handler, None, body)
}

/// [`run`], for a handler whose result can tell of a dropped message.
///
/// # Panics
/// As [`run`].
#[inline]
pub fn run_or_tell<R, F: FnOnce() -> R>(
    handler: &'static Handler,
    tell: Option<Tell<R>>,
    body: F,
) -> R {
    if crate::engine::sys::handler_active() {
        return body();
    }
    #[cfg(not(asc))]
    if !crate::paged::is_started() {
        return crate::run_once::run_once(body);
    }
    run_twice(handler, tell.is_some(), body).unwrap_or_else(|fault| match tell {
        Some(tell) => tell(fault),
        None => unreachable!("only what can tell is dropped"),
    })
}

/// Runs a handler twice; the fault is that of a message that was dropped, which needs `can_tell`.
///
/// # Panics
/// If both runs panic alike, the panic goes on after the state they left is committed.
#[inline(always)]
pub(crate) fn run_twice<R, F: FnOnce() -> R>(
    handler: &'static Handler,
    can_tell: bool,
    body: F,
) -> Result<R, Fault> {
    let mut cell = Cell {
        body: ManuallyDrop::new(body),
        result: MaybeUninit::uninit(),
        panic: None,
    };
    // SAFETY: the cell outlives the handler, and its body is not changed by running a copy of it.
    let captured = unsafe { Captured::begin(&raw const cell.body) };
    let place = ResultPlace {
        start: (&raw mut cell.result).cast(),
        bytes: if fits_slot::<R>() { size_of::<R>() } else { 0 },
    };
    let execution = Call {
        body: call::<R, F>,
        cell: (&raw mut cell).cast(),
        place,
        can_tell,
    };
    // SAFETY: `call` expects this cell and catches unwinding. Calling it again is sound because
    // everything the first call did is undone (E3 in `hardened`, P1 in `paged`), moves out of the body included.
    // The place is the cell's own, and A1 holds as said above.
    let receipt = unsafe { execute(handler, captured, execution) };
    if can_tell && let Some(fault) = dropped(receipt) {
        // SAFETY: every run is undone (E3), so the body is whole and was not called. It is dropped
        // here because its arguments were given to the handler.
        unsafe { ManuallyDrop::drop(&mut cell.body) };
        return Err(fault);
    }
    demand_receipt(receipt);
    let panic = crate::engine::after_commit::call_deferred();
    if let Some(panic) = cell.panic.or(panic) {
        std::panic::resume_unwind(panic);
    }
    // SAFETY: a committed handler's second run did not panic, so it has written the result, and
    // the engine has delivered it.
    Ok(unsafe { cell.result.assume_init() })
}

/// Whether a result travels through the slot on the handler's stack.
const fn fits_slot<R>() -> bool {
    size_of::<R>() <= RESULT_BYTES_MAX && align_of::<R>() <= RESULT_ALIGNMENT_MAX
}

/// Where both runs find the body, and where the result arrives.
struct Cell<R, F> {
    body: ManuallyDrop<F>,
    result: MaybeUninit<R>,
    panic: Option<Box<dyn std::any::Any + Send>>,
}

/// # Safety
/// `cell` is a `Cell<R, F>` whose body has not been called, or has been undone.
unsafe extern "C" fn call<R, F: FnOnce() -> R>(cell: *mut ()) {
    // SAFETY: by contract; nothing else refers to the cell while its body runs.
    let cell = unsafe { &mut *cell.cast::<Cell<R, F>>() };
    let Cell {
        body,
        result,
        panic,
    } = cell;
    // SAFETY: by contract; a bitwise copy, of which one is ever consumed for good.
    let body = unsafe { ManuallyDrop::take(body) };
    // What does not fit the slot is written to the cell. That lies in the caller's frame, so such
    // stores are logged and compared like any other: seen by hooks, by a copy of the stack, or announced.
    let result: *mut R = if fits_slot::<R>() {
        ptr::with_exposed_provenance_mut(result_slot::address())
    } else {
        result.as_mut_ptr()
    };
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let value = body();
        #[cfg(not(asc))]
        if !fits_slot::<R>() && !crate::paged::is_started() {
            crate::source::place(result);
        }
        // SAFETY: the slot (R2), or the cell's own place.
        unsafe { result.write(value) };
    }));
    if let Err(payload) = outcome {
        // SAFETY: a live reference; the place holds `None`, which needs no drop.
        unsafe { ptr::from_mut(panic).write(Some(payload)) };
    }
}
