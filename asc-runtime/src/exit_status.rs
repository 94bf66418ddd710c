//! How a protected process ends when it must not go on.

/// Exit status of a process that detected a corruption and stopped. One incident stands on standard
/// error, unless [`Setup::quiet`](crate::Setup::quiet) sends it elsewhere; nothing of the struck handler has
/// left the process but what an [`effect`](crate::effect) of its own sent.
pub const EXIT_FAULT: i32 = 86;

/// Exit status of a program that the runtime refuses to go on with: not a corruption, but something
/// that protection cannot cover, such as an allocator out of reach or I/O inside a handler. The
/// message on standard error names the way out.
pub const EXIT_REFUSED: i32 = 87;
