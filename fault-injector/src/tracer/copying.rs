//! A stopped target copies itself.
//!
//! The target is made to execute `clone` at a `syscall` instruction of its own and is then put back
//! to where it was. The copy becomes a child of the injector (CLONE_PARENT), so that its end sends
//! the original no SIGCHLD, which would take the place of a step.

use nix::libc;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::{Registers, Stop, Tracee};
use crate::failure::Result;
use crate::protocol::CLONE_PASSWORD;

impl Tracee {
    /// A copy that stands where the original stands, with `registers`, which must be the
    /// original's. `gate` is the address of the target's `syscall` instruction.
    pub fn copy(&mut self, registers: &Registers, gate: u64) -> Result<Tracee> {
        let mut call = *registers;
        call.rip = gate;
        call.rax = libc::SYS_clone as u64;
        call.orig_rax = u64::MAX;
        call.rdi = libc::CLONE_PARENT as u64;
        (call.rsi, call.rdx, call.r10, call.r8) = (0, 0, 0, 0);
        call.r9 = CLONE_PASSWORD;
        self.set_registers(&call)?;
        let pid = match self.step()? {
            Stop::Event(libc::PTRACE_EVENT_CLONE | libc::PTRACE_EVENT_FORK) => {
                ptrace::getevent(self.pid()).map_err(|error| self.broken("copy", error))?
            }
            other => {
                let answer = self.registers()?.rax as i64;
                return Err(self.broken("copy", format!("{other:?}, clone returned {answer}")));
            }
        };
        let copy = Tracee::adopt(Pid::from_raw(pid as i32))?;
        match self.step()? {
            Stop::Signal(Signal::SIGTRAP) => {}
            other => return Err(self.broken("copy", format!("{other:?} behind the clone"))),
        }
        self.set_registers(registers)?;
        copy.set_registers(registers)?;
        Ok(copy)
    }
}
