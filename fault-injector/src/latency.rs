//! How many instructions pass between a fault and the moment at which the runtime has seen it.
//!
//! There are no counters to ask, so a copy is struck once more and stepped. The runtime has seen a
//! fault when it enters the code with which it reports one, which no healthy request executes; a target
//! that reports by other means has seen it when it ends.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::code::image::Image;
use crate::failure::Result;
use crate::tracer::watchdog::Watchdog;
use crate::tracer::{Stop, Tracee};

/// Where the runtime is when it reports.
const ALARMS: [&str; 4] = [
    "asc_runtime::incident::",
    "asc_runtime::policy::",
    "asc_runtime::refuse::",
    "asc_runtime::stderr_line::",
];
/// Longest way that is counted.
pub const INSTRUCTIONS_MAX: u64 = 300_000;
/// Processor time for it.
const TIME_LIMIT: Duration = Duration::from_secs(20);
/// The instruction that pushes the flags, the trap flag among them.
const PUSHF: u8 = 0x9C;
const TRAP_FLAG: u64 = 1 << 8;

/// The code with which the runtime reports.
#[derive(Debug, Clone, Default)]
pub struct Alarms {
    functions: Vec<Range<u64>>,
}

impl Alarms {
    /// Finds it in a program loaded at `base`. `golden` are the addresses that healthy requests
    /// execute.
    pub fn find(image: &Image, base: u64, golden: impl Iterator<Item = u64> + Clone) -> Self {
        let functions = image
            .functions_within(&ALARMS)
            .map(|function| base + function.start..base + function.end)
            .filter(|function| !golden.clone().any(|address| function.contains(&address)))
            .collect();
        Self { functions }
    }

    fn has(&self, address: u64) -> bool {
        self.functions
            .iter()
            .any(|function| function.contains(&address))
    }

    /// Steps a struck copy until the fault has been seen; counts the steps, at most
    /// [`INSTRUCTIONS_MAX`]. `None` if it had to be ended.
    pub fn count(&self, copy: &mut Tracee, watchdog: &Watchdog) -> Result<Option<u64>> {
        let (count, bitten) = watchdog.watch(copy.pid(), TIME_LIMIT, || self.step_to_alarm(copy));
        let count = count?;
        Ok((!bitten).then_some(count))
    }

    fn step_to_alarm(&self, copy: &mut Tracee) -> Result<u64> {
        let mut pushes = HashMap::new();
        for count in 0..INSTRUCTIONS_MAX {
            if copy.has_ended() {
                return Ok(count);
            }
            let registers = copy.registers()?;
            if self.has(registers.rip) {
                return Ok(count);
            }
            let pushes_flags = *pushes.entry(registers.rip).or_insert_with(|| {
                let mut byte = [0];
                copy.read(registers.rip, &mut byte).is_ok() && byte[0] == PUSHF
            });
            let stop = copy.step_on()?;
            if pushes_flags && stop == Stop::Signal(Signal::SIGTRAP) {
                let top = copy.registers()?.rsp;
                let flags = copy.read_word(top)? & !TRAP_FLAG;
                copy.write(top, &flags.to_le_bytes())?;
            }
        }
        Ok(INSTRUCTIONS_MAX)
    }
}
