//! Breakpoints at the target's markers.

use nix::sys::signal::Signal;

use super::{Registers, Stop, Tracee};
use crate::failure::{Failure, Result};

const INT3: u8 = 0xCC;

/// A breakpoint in one tracee's text.
#[derive(Debug)]
pub struct Breakpoint {
    address: u64,
    original: u8,
}

impl Breakpoint {
    /// Sets one. Copies made while it is set have it too.
    pub fn set(tracee: &Tracee, address: u64) -> Result<Self> {
        let mut original = [0];
        tracee.read(address, &mut original)?;
        tracee.write(address, &[INT3])?;
        Ok(Self {
            address,
            original: original[0],
        })
    }

    /// Takes it away.
    pub fn clear(self, tracee: &Tracee) -> Result<()> {
        tracee.write(self.address, &[self.original])
    }

    /// If the tracee has just hit it, puts the instruction pointer back and returns the registers.
    pub fn hit(&self, tracee: &Tracee) -> Result<Option<Registers>> {
        if tracee.stop() != Stop::Signal(Signal::SIGTRAP) {
            return Ok(None);
        }
        let mut registers = tracee.registers()?;
        if registers.rip != self.address + 1 {
            return Ok(None);
        }
        registers.rip = self.address;
        tracee.set_registers(&registers)?;
        Ok(Some(registers))
    }

    /// Executes the instruction under it and runs on until it is hit again.
    pub fn next(&self, tracee: &mut Tracee) -> Result<Registers> {
        tracee.write(self.address, &[self.original])?;
        tracee.step()?;
        tracee.write(self.address, &[INT3])?;
        let stop = tracee.resume()?;
        self.hit(tracee)?.ok_or_else(|| unexpected(stop))
    }
}

/// The error of a target that ends where it should have reached a marker.
pub fn unexpected(stop: Stop) -> Failure {
    Failure::new(
        "the target to reach its next marker",
        format!("{stop:?}"),
        "run the target's program without arguments: it checks itself and says what is wrong",
    )
}
