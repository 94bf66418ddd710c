//! What the expansion of `#[asc_handler]` calls. Not a stable interface.

use core::marker::PhantomData;
#[cfg(any(asc, feature = "page"))]
use core::mem::{ManuallyDrop, MaybeUninit};
#[cfg(any(asc, feature = "page"))]
use core::ptr;

use crate::fault::Fault;
pub use crate::policy::OnFault;

#[cfg(any(asc, feature = "page"))]
use crate::engine::call::{Call, ResultPlace};
#[cfg(any(asc, feature = "page"))]
use crate::engine::captured::Captured;
use crate::engine::execution::{demand_receipt, dropped, execute};
#[cfg(any(asc, feature = "page"))]
use crate::engine::result_slot::{self, RESULT_ALIGNMENT_MAX, RESULT_BYTES_MAX};

#[cfg(all(feature = "page", not(asc)))]
pub use crate::source;

/// Picks the first or the second of two pieces of code: for `cargo asc` builds and for others.
#[doc(hidden)]
#[macro_export]
#[cfg(asc)]
macro_rules! __by_build {
    ({ $($hardened:tt)* } { $($plain:tt)* }) => { $($hardened)* };
}

/// Picks the first or the second of two pieces of code: for `cargo asc` builds and for others.
#[doc(hidden)]
#[macro_export]
#[cfg(all(feature = "page", not(asc)))]
macro_rules! __by_build {
    ({ $($hardened:tt)* } { $($plain:tt)* }) => { $($plain)* };
}

/// Says what is missing.
#[doc(hidden)]
#[macro_export]
#[cfg(not(any(asc, feature = "page")))]
macro_rules! __by_build {
    ({ $($hardened:tt)* } { $($plain:tt)* }) => {
        ::core::compile_error!(
            "`intercept = source` and `#[asc_fn]` need the feature `page` of `asc-runtime` in plain builds: \
             write `asc-runtime = { features = [\"page\"], … }` in Cargo.toml"
        )
    };
}

/// One handler in the source.
#[derive(Debug)]
pub struct Handler {
    /// `module::path::name`.
    pub name: &'static str,
    /// Source file.
    pub file: &'static str,
    /// Line.
    pub line: u32,
    pub(crate) on_fault: Option<OnFault>,
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
            on_fault: None,
            #[cfg(asc)]
            depth: crate::hardened::execution::StackDepth::new(),
        }
    }

    /// Gives it a policy of its own.
    #[must_use]
    pub const fn on_fault(mut self, on_fault: OnFault) -> Self {
        self.on_fault = Some(on_fault);
        self
    }
}

/// Makes a handler's result of the fault for which its message was dropped.
pub type Tell<R> = fn(Fault) -> R;

/// Runs a handler once.
#[cfg(not(any(asc, feature = "page")))]
#[inline]
pub fn run<R, F: FnOnce() -> R>(handler: &'static Handler, body: F) -> R {
    run_or_tell(handler, None, body)
}

/// Runs a handler once.
#[cfg(not(any(asc, feature = "page")))]
#[inline]
pub fn run_or_tell<R, F: FnOnce() -> R>(
    _handler: &'static Handler,
    _tell: Option<Tell<R>>,
    body: F,
) -> R {
    let nesting = crate::effects::Nesting::enter();
    let result = body();
    nesting.leave();
    crate::statistics::count_handler();
    result
}

/// Runs a handler twice and returns what both runs returned. Within another handler it is a part
/// of that one; before page mode is started it runs once.
///
/// # Panics
/// If both runs panic alike, the panic goes on after the state they left is committed.
#[cfg(any(asc, feature = "page"))]
#[inline]
pub fn run<R, F: FnOnce() -> R>(handler: &'static Handler, body: F) -> R {
    run_or_tell(handler, None, body)
}

/// [`run`], for a handler whose result can tell of a dropped message.
///
/// # Panics
/// As [`run`].
#[cfg(any(asc, feature = "page"))]
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
        let nesting = crate::effects::Nesting::enter();
        let result = body();
        nesting.leave();
        crate::statistics::count_handler();
        return result;
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
#[cfg(any(asc, feature = "page"))]
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
#[cfg(any(asc, feature = "page"))]
const fn fits_slot<R>() -> bool {
    size_of::<R>() <= RESULT_BYTES_MAX && align_of::<R>() <= RESULT_ALIGNMENT_MAX
}

/// Where both runs find the body, and where the result arrives.
#[cfg(any(asc, feature = "page"))]
struct Cell<R, F> {
    body: ManuallyDrop<F>,
    result: MaybeUninit<R>,
    panic: Option<Box<dyn std::any::Any + Send>>,
}

/// # Safety
/// `cell` is a `Cell<R, F>` whose body has not been called, or has been undone.
#[cfg(any(asc, feature = "page"))]
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
            source::place(result);
        }
        // SAFETY: the slot (R2), or the cell's own place.
        unsafe { result.write(value) };
    }));
    if let Err(payload) = outcome {
        // SAFETY: a live reference; the place holds `None`, which needs no drop.
        unsafe { ptr::from_mut(panic).write(Some(payload)) };
    }
}

/// What a handler returns whose message may be dropped.
///
/// As for [`HandlerArgument`], the compiler is to show the text below.
#[diagnostic::on_unimplemented(
    message = "a dropped message needs a result that says so, and `{Self}` does not",
    label = "return `Result<…, asc_runtime::Fault>`, or a `Result` with an error that is `From<asc_runtime::Fault>`",
    note = "under `on_fault = drop` the caller gets the fault in the place of what the handler would have returned"
)]
pub trait HandlerResult {
    /// The result of a handler whose message was dropped.
    fn dropped(fault: Fault) -> Self;
}
#[diagnostic::do_not_recommend]
impl<T, E: From<Fault>> HandlerResult for Result<T, E> {
    fn dropped(fault: Fault) -> Self {
        Err(fault.into())
    }
}

/// Fails to compile, with the message above, for a result that cannot tell.
#[inline(always)]
pub const fn tell<R: HandlerResult>() -> Option<Tell<R>> {
    Some(R::dropped)
}

/// Stands for a handler's result type. `(&Returns::<R>::NEW).tell()` finds [`CanTell`] if `R` can tell
/// of a fault, and else [`CannotTell`], one reference further away.
#[derive(Debug)]
pub struct Returns<R>(PhantomData<fn() -> R>);

impl<R> Returns<R> {
    /// The one value.
    pub const NEW: Self = Self(PhantomData);
}

/// A result that can tell of a fault.
pub trait CanTell<R> {
    /// How it tells.
    fn tell(&self) -> Option<Tell<R>>;
}

impl<R: HandlerResult> CanTell<R> for Returns<R> {
    #[inline(always)]
    fn tell(&self) -> Option<Tell<R>> {
        Some(R::dropped)
    }
}

/// Any result.
pub trait CannotTell<R> {
    /// It does not.
    #[inline(always)]
    fn tell(&self) -> Option<Tell<R>> {
        None
    }
}

impl<R> CannotTell<R> for &Returns<R> {}

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
