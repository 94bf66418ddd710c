//! What the expansion of `#[asc_handler]` calls. Not a stable interface.

#[cfg(asc)]
use core::mem::{ManuallyDrop, MaybeUninit};
#[cfg(asc)]
use core::ptr;

#[cfg(asc)]
use crate::hardened::captured::Captured;
#[cfg(asc)]
use crate::hardened::execution::{ResultPlace, execute};
#[cfg(asc)]
use crate::hardened::result_slot::{self, RESULT_ALIGNMENT_MAX, RESULT_BYTES_MAX};

/// One handler in the source.
#[derive(Debug)]
pub struct Handler {
    /// `module::path::name`.
    pub name: &'static str,
    /// Source file.
    pub file: &'static str,
    /// Line.
    pub line: u32,
    #[cfg(asc)]
    pub(crate) depth: crate::hardened::execution::StackDepth,
}

impl Handler {
    /// Describes a handler.
    pub const fn new(name: &'static str, file: &'static str, line: u32) -> Self {
        Self {
            name,
            file,
            line,
            #[cfg(asc)]
            depth: crate::hardened::execution::StackDepth::new(),
        }
    }
}

/// Runs a handler once.
#[cfg(not(asc))]
#[inline]
pub fn run<R, F: FnOnce() -> R>(_handler: &'static Handler, body: F) -> R {
    let nesting = crate::effects::Nesting::enter();
    let result = body();
    nesting.leave();
    crate::statistics::count_handler();
    result
}

/// Runs a handler twice and returns what both runs returned. Within another handler it is a part
/// of that one.
///
/// # Panics
/// If both runs panic alike, the panic goes on after the state they left is committed.
#[cfg(asc)]
#[inline]
pub fn run<R, F: FnOnce() -> R>(handler: &'static Handler, body: F) -> R {
    if crate::hardened::sys::handler_active() {
        return body();
    }
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
    let cell_pointer = (&raw mut cell).cast();
    // SAFETY: `call` expects this cell and catches unwinding. Calling it again is sound because
    // everything the first call did is undone (E3 in `hardened`), moves out of the body included.
    // The place is the cell's own, and A1 holds as said above.
    let receipt = unsafe { execute(handler, call::<R, F>, cell_pointer, captured, place) };
    crate::hardened::execution::demand_receipt(receipt);
    let panic = crate::hardened::after_commit::call_deferred();
    if let Some(panic) = cell.panic.or(panic) {
        std::panic::resume_unwind(panic);
    }
    // SAFETY: a committed handler's second run did not panic, so it has written the result, and
    // the engine has delivered it.
    unsafe { cell.result.assume_init() }
}

/// Whether a result travels through the slot on the handler's stack.
#[cfg(asc)]
const fn fits_slot<R>() -> bool {
    size_of::<R>() <= RESULT_BYTES_MAX && align_of::<R>() <= RESULT_ALIGNMENT_MAX
}

/// Where both runs find the body, and where the result arrives.
#[cfg(asc)]
struct Cell<R, F> {
    body: ManuallyDrop<F>,
    result: MaybeUninit<R>,
    panic: Option<Box<dyn std::any::Any + Send>>,
}

/// # Safety
/// `cell` is a `Cell<R, F>` whose body has not been called, or has been undone.
#[cfg(asc)]
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
    // stores are logged and compared like any other.
    let result: *mut R = if fits_slot::<R>() {
        ptr::with_exposed_provenance_mut(result_slot::address())
    } else {
        result.as_mut_ptr()
    };
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let value = body();
        // SAFETY: the slot (R2), or the cell's own place.
        unsafe { result.write(value) };
    }));
    if let Err(payload) = outcome {
        // SAFETY: a live reference; the place holds `None`, which needs no drop.
        unsafe { ptr::from_mut(panic).write(Some(payload)) };
    }
}

/// What a handler may take by value: anything that is `Clone`.
///
/// The blanket impl is not recommended, so that the compiler shows the text below instead of a
/// missing `Clone`.
#[diagnostic::on_unimplemented(
    message = "a handler takes its arguments by reference or as `Clone` values, and `{Self}` is neither",
    label = "pass `&{Self}` or `&mut {Self}`, or make it `Clone` (`#[derive(Clone)]` on a type, `+ Clone` on a type parameter or an `impl Trait`)",
    note = "the handler runs twice: what it consumes must be plain data, not a resource such as a socket, a lock guard or a receiver"
)]
pub trait HandlerArgument {}
#[diagnostic::do_not_recommend]
impl<T: Clone> HandlerArgument for T {}

/// Fails to compile, with the message above, for a by-value argument that is not `Clone`.
#[inline(always)]
pub const fn require_argument<T: HandlerArgument>(_argument: &T) {}
