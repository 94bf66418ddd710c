//! What is said about a corrected bit: one line, like an incident, but the process goes on.

use core::fmt::Write as _;

use asc_alloc::line_code::Flip;

use crate::text::Line;

/// Says which bit was flipped back.
pub(super) fn corrected(address: usize, flip: Flip) {
    let (what, bit) = match flip {
        Flip::Line { bit, .. } => ("a bit of the protected heap had flipped", bit),
        Flip::Code { bit } => ("a bit of a line's code had flipped", bit),
    };
    let mut line = Line::new();
    // The line cuts what is too long and never fails.
    let _ = write!(
        line,
        "{{\"asc_correction\":1,\"stage\":\"integrity\",\"reason\":\"{what}\",\"address\":\"{address:#x}\",\
         \"bit\":{bit},\"process\":{},\"action\":\"correct\"}}",
        std::process::id(),
    );
    crate::incident::sinks::write(&line);
}
