//! What the expansion of `#[asc_handler]` calls.

/// One handler in the source.
#[derive(Debug)]
pub struct Handler {
    /// `module::path::name`.
    pub name: &'static str,
    /// Source file.
    pub file: &'static str,
    /// Line.
    pub line: u32,
}

impl Handler {
    /// Describes a handler.
    pub const fn new(name: &'static str, file: &'static str, line: u32) -> Self {
        Self { name, file, line }
    }
}

/// Runs a handler.
pub fn run<R, F: FnOnce() -> R>(_handler: &'static Handler, body: F) -> R {
    body()
}

/// By-value arguments of a handler must be `Clone`.
#[diagnostic::on_unimplemented(
    message = "a handler takes its arguments by reference or as `Clone` values, and `{Self}` is neither",
    label = "pass `&{Self}` or `&mut {Self}`, or derive `Clone`",
    note = "the handler runs twice: what it consumes must be plain data, not a resource such as a socket, a lock guard or a receiver"
)]
pub trait HandlerArgument {}
impl<T: Clone> HandlerArgument for T {}

/// Fails to compile, with the message above, for a by-value argument that is not `Clone`.
pub fn require_argument<T: HandlerArgument>(_argument: &T) {}
