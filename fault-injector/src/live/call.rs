//! One call of the handler, instruction by instruction, while all other threads run on.

use nix::errno::Errno;
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
pub struct Call<'t> {
    /// The thread.
    pub tracee: &'t mut Tracee,
    /// Its registers before the next instruction.
    pub registers: Registers,
    returns_to: u64,
    stack_behind: u64,
    whereabouts: Whereabouts,
}

impl Call<'_> {
    /// What `visit` makes of the call of a thread that stands at the entry; gives the thread back, on all its cores,
    /// whatever comes of it.
    pub fn within<T>(
        mut tracee: Tracee,
        visit: impl FnOnce(&mut Call<'_>) -> Result<T>,
    ) -> (Result<T>, Tracee) {
        let begun = match Beginning::of(&tracee) {
            Ok(begun) => begun,
            Err(failure) => return (Err(failure), tracee),
        };
        let visited = begun.pin(&tracee).and_then(|()| {
            let mut call = Call {
                registers: begun.registers,
                returns_to: begun.returns_to,
                stack_behind: begun.registers.rsp + 8,
                whereabouts: Whereabouts::default(),
                tracee: &mut tracee,
            };
            visit(&mut call)
        });
        begun.unpin(&tracee);
        (visited, tracee)
    }

    /// Whether the handler has returned.
    pub fn is_over(&self) -> bool {
        (self.registers.rip, self.registers.rsp) == (self.returns_to, self.stack_behind)
    }

    /// The next instruction, and whether a handler of the runtime executes it.
    pub fn next<'s>(&mut self, sites: &'s mut Sites) -> Result<(&'s Site, bool)> {
        let site = sites.at(self.tracee, self.registers.rip)?;
        let stack = self.registers.rsp;
        let inside = self.whereabouts.is_inside(self.tracee, stack, site)?;
        Ok((site, inside))
    }

    /// Executes it.
    pub fn advance(&mut self, facts: &Facts) -> Result<()> {
        match step(self.tracee, facts)? {
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
}

/// What is known of a thread that stands at the entry.
struct Beginning {
    registers: Registers,
    returns_to: u64,
    /// Where the tracer may run.
    allowed: CpuSet,
}

impl Beginning {
    fn of(tracee: &Tracee) -> Result<Self> {
        let registers = tracee.registers()?;
        Ok(Self {
            registers,
            returns_to: tracee.read_word(registers.rsp)?,
            allowed: sched_getaffinity(Pid::from_raw(0)).map_err(no_core)?,
        })
    }

    /// The thread and its tracer share a core from here on: waking another core takes longer than a step.
    fn pin(&self, tracee: &Tracee) -> Result<()> {
        let mut here = CpuSet::new();
        here.set(sched_getcpu().map_err(no_core)?)
            .map_err(no_core)?;
        for thread in [Pid::from_raw(0), tracee.pid()] {
            sched_setaffinity(thread, &here).map_err(no_core)?;
        }
        Ok(())
    }

    fn unpin(&self, tracee: &Tracee) {
        for thread in [Pid::from_raw(0), tracee.pid()] {
            // A thread that has ended needs no core.
            let _ = sched_setaffinity(thread, &self.allowed);
        }
    }
}

fn no_core(error: Errno) -> Failure {
    Failure::system("a core for stepping", error)
}
