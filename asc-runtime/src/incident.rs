//! The default policy: one incident on standard error, then stop.

use core::fmt::{self, Write as _};
use core::sync::atomic::{AtomicU64, Ordering};

use crate::exit_status::EXIT_FAULT;
use crate::fault::Fault;
use crate::stderr_line::StderrLine;
use crate::symbol;

static FAULTS: AtomicU64 = AtomicU64::new(0);

/// Faults detected by this process.
pub(crate) fn faults() -> u64 {
    FAULTS.load(Ordering::Relaxed)
}

/// Writes the incident and ends the process with [`EXIT_FAULT`], before anything of the struck
/// handler can leave.
#[cold]
pub(crate) fn stop(handler: &str, run: u32, fault: &Fault) -> ! {
    FAULTS.fetch_add(1, Ordering::Relaxed);
    crate::hardened::context::leave_handler();
    let mut line = StderrLine::new();
    // The line cuts what is too long and never fails.
    let _ = describe(&mut line, handler, run, fault);
    line.emit();
    // SAFETY: ends the process without running destructors or exit handlers, which would act on
    // corrupt state.
    unsafe { libc::_exit(EXIT_FAULT) }
}

/// The incident as one JSON object. Addresses and values are hexadecimal strings, because JSON
/// readers round integers above 2^53.
fn describe(line: &mut StderrLine, handler: &str, run: u32, fault: &Fault) -> fmt::Result {
    write!(line, "{{\"asc_incident\":1,\"handler\":\"")?;
    line.json_text(handler)?;
    write!(
        line,
        "\",\"run\":{run},\"stage\":\"{}\",\"reason\":\"",
        fault.stage.name()
    )?;
    line.json_text(fault.reason)?;
    write!(
        line,
        "\",\"address\":\"{:#x}\",\"symbol\":\"",
        fault.address
    )?;
    symbol::with_name(fault.address, |name, offset| {
        line.json_text(name)?;
        if offset != 0 {
            write!(line, "+{offset:#x}")
        } else {
            Ok(())
        }
    })?;
    write!(
        line,
        "\",\"expected\":\"{:#x}\",\"found\":\"{:#x}\",\"flipped_bits\":{},\"process\":{},\"action\":\"stop\"}}",
        fault.expected,
        fault.found,
        (fault.expected ^ fault.found).count_ones(),
        std::process::id(),
    )
}
