//! What the expansion of `#[asc_handler]` calls. Not a stable interface.

#[cfg(asc)]
use core::mem::{ManuallyDrop, MaybeUninit};

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
    let result = body();
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
    // SAFETY: `call` expects this cell and catches unwinding. Calling it again is sound because
    // everything the first call did is undone (E3 in `hardened`), moves out of the body included.
    let receipt = unsafe {
        crate::hardened::execution::execute(handler, call::<R, F>, (&raw mut cell).cast())
    };
    crate::hardened::execution::demand_receipt(receipt);
    if let Some(panic) = cell.panic {
        std::panic::resume_unwind(panic);
    }
    // SAFETY: a committed handler's second run did not panic, so it has written the result.
    unsafe { cell.result.assume_init() }
}

/// Where both runs find the body and leave the result.
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
    let Cell {
        body,
        result,
        panic,
    } = unsafe { &mut *cell.cast::<Cell<R, F>>() };
    // SAFETY: by contract; a bitwise copy, of which one is ever consumed for good.
    let body = unsafe { ManuallyDrop::take(body) };
    // The cell is in the caller's frame, so the stores to it are logged and compared like any
    // other; the result is built there, not moved through this frame.
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        result.write(body());
    }));
    if let Err(payload) = outcome {
        // SAFETY: a live reference; the place holds `None`, which needs no drop.
        unsafe { core::ptr::from_mut(panic).write(Some(payload)) };
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
