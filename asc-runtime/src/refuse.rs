//! Ending a program that cannot be protected as it stands.

use core::fmt::{Arguments, Write as _};

use crate::exit_status::EXIT_REFUSED;
use crate::stderr_line::StderrLine;

/// Says why on standard error and ends the process with [`EXIT_REFUSED`].
#[cold]
pub(crate) fn refuse(reason: Arguments<'_>) -> ! {
    crate::hardened::context::leave_handler();
    let mut line = StderrLine::new();
    // The line cuts what is too long and never fails.
    let _ = write!(line, "asc: refused: {reason}");
    line.emit();
    // SAFETY: ends the process without running destructors or handlers: state inside a handler
    // is not committed and nothing may act on it.
    unsafe { libc::_exit(EXIT_REFUSED) }
}
