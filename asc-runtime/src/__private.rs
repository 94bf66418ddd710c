//! What the expansion of `#[asc_handler]` calls. Not a stable interface.

use core::marker::PhantomData;

use crate::fault::Fault;
pub use crate::policy::OnFault;
#[cfg(not(any(asc, feature = "page")))]
pub use crate::run_once::{run, run_or_tell};
#[cfg(any(asc, feature = "page"))]
pub use crate::run_twice::{run, run_or_tell};

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
