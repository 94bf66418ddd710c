//! One call of the handler, instruction by instruction, while all other threads run on.

use nix::sched::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::sites::Sites;
use crate::code::facts::Facts;
use crate::code::whereabouts::Whereabouts;
use crate::failure::{Failure, Result};
use crate::profile::Site;
use crate::tracer::{Registers, Stop, Tracee};
use crate::walk::step;

/// A thread on its way through the handler.
#[derive(Debug)]
pub struct Call {
    /// The thread.
    pub tracee: Tracee,
    /// Its registers before the next instruction.
    pub registers: Registers,
    returns_to: u64,
    stack_behind: u64,
    whereabouts: Whereabouts,
    allowed: CpuSet,
}

impl Call {
    /// Takes a thread that stands at the entry. It and its tracer share a core from here on, since
    /// waking another core takes longer than a step.
    pub fn begin(tracee: Tracee) -> Result<Self> {
        let registers = tracee.registers()?;
        let returns_to = tracee.read_word(registers.rsp)?;
        let wanted = |error| Failure::system("a core for stepping", error);
        let this = Pid::from_raw(0);
        let allowed = sched_getaffinity(this).map_err(wanted)?;
        let mut here = CpuSet::new();
        here.set(sched_getcpu().map_err(wanted)?).map_err(wanted)?;
        for thread in [this, tracee.pid()] {
            sched_setaffinity(thread, &here).map_err(wanted)?;
        }
        Ok(Self {
            registers,
            returns_to,
            stack_behind: registers.rsp + 8,
            whereabouts: Whereabouts::default(),
            allowed,
            tracee,
        })
    }

    /// Whether the handler has returned.
    pub fn is_over(&self) -> bool {
        (self.registers.rip, self.registers.rsp) == (self.returns_to, self.stack_behind)
    }

    /// The next instruction, and whether a handler of the runtime executes it.
    pub fn next<'s>(&mut self, sites: &'s mut Sites) -> Result<(&'s Site, bool)> {
        let site = sites.at(&self.tracee, self.registers.rip)?;
        let stack = self.registers.rsp;
        let inside = self.whereabouts.is_inside(&self.tracee, stack, site)?;
        Ok((site, inside))
    }

    /// Executes it.
    pub fn advance(&mut self, facts: &Facts) -> Result<()> {
        match step(&mut self.tracee, facts)? {
            Stop::Signal(Signal::SIGTRAP) => {}
            stop => {
                return Err(Failure::new(
                    "to step through the handler of a healthy server",
                    format!("{stop:?}"),
                    "see that the server works under load without the injector",
                ));
            }
        }
        self.registers = self.tracee.registers()?;
        Ok(())
    }

    /// Gives the thread back, on all its cores.
    pub fn end(self) -> Tracee {
        for thread in [Pid::from_raw(0), self.tracee.pid()] {
            // A thread that has ended needs no core.
            let _ = sched_setaffinity(thread, &self.allowed);
        }
        self.tracee
    }
}
