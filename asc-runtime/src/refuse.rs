//! Ending a program that cannot be protected as it stands.

use core::fmt::{Arguments, Write as _};

use crate::exit_status::EXIT_REFUSED;
use crate::incident::deadline;
use crate::text::Line;

/// Says why on standard error and ends the process with [`EXIT_REFUSED`].
#[cold]
pub(crate) fn refuse(reason: Arguments<'_>) -> ! {
    #[cfg(any(asc, feature = "page"))]
    crate::engine::context::leave_handler();
    // A struck handler that is tried again before the process stops: the fault is what matters.
    deadline::cut_short_if_set();
    let mut line = Line::new();
    // A text is cut and never fails.
    let _ = write!(line, "asc: refused: {reason}");
    line.write_line(libc::STDERR_FILENO);
    // SAFETY: ends the process without running destructors or handlers: state inside a handler
    // is not committed and nothing may act on it.
    unsafe { libc::_exit(EXIT_REFUSED) }
}
