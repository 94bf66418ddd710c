//! One traced process and what can be done to it while it is stopped.

use std::io::{IoSlice, IoSliceMut};

use nix::errno::Errno;
use nix::libc::user_regs_struct;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::uio::{RemoteIoVec, process_vm_readv, process_vm_writev};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::failure::{Failure, Result};

/// The general-purpose registers.
pub type Registers = user_regs_struct;

/// Why a tracee stopped or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It left with this status.
    Exited(i32),
    /// It was ended by this signal.
    Killed(Signal),
    /// It is stopped before this signal is delivered.
    Signal(Signal),
    /// It is stopped at this ptrace event.
    Event(i32),
    /// It is stopped at the border of a system call.
    SystemCall,
}

/// A traced process. Dropping it ends the process.
#[derive(Debug)]
pub struct Tracee {
    pid: Pid,
    /// The last stop.
    stop: Stop,
}

impl Tracee {
    /// Takes over a process that this thread traces and that is about to stop.
    pub(super) fn adopt(pid: Pid) -> Result<Self> {
        let mut tracee = Self {
            pid,
            stop: Stop::SystemCall,
        };
        tracee.wait()?;
        Ok(tracee)
    }

    /// A thread that this thread traces and that has been reported as stopped.
    pub(crate) fn stopped(pid: Pid, stop: Stop) -> Self {
        Self { pid, stop }
    }

    /// Leaves it as it is, for somebody else to see to.
    pub(crate) fn leave(self) {
        std::mem::forget(self);
    }

    /// Its process number.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Why it stands still.
    pub fn stop(&self) -> Stop {
        self.stop
    }

    /// Whether the process is gone.
    pub fn has_ended(&self) -> bool {
        matches!(self.stop, Stop::Exited(_) | Stop::Killed(_))
    }

    /// Its general-purpose registers.
    pub fn registers(&self) -> Result<Registers> {
        ptrace::getregs(self.pid).map_err(|error| self.broken("read the registers", error))
    }

    /// Sets its general-purpose registers.
    pub fn set_registers(&self, registers: &Registers) -> Result<()> {
        ptrace::setregs(self.pid, *registers)
            .map_err(|error| self.broken("set the registers", error))
    }

    /// Executes one instruction (of a repeated string instruction, one iteration).
    pub fn step(&mut self) -> Result<Stop> {
        ptrace::step(self.pid, None).map_err(|error| self.broken("step", error))?;
        self.wait()
    }

    /// Executes one instruction, after the signal it is stopped at, if any.
    pub fn step_on(&mut self) -> Result<Stop> {
        let signal = self.pending();
        ptrace::step(self.pid, signal).map_err(|error| self.broken("step", error))?;
        self.wait()
    }

    /// Lets it run until something happens, after the signal it is stopped at, if any.
    pub fn resume(&mut self) -> Result<Stop> {
        let signal = self.pending();
        ptrace::cont(self.pid, signal).map_err(|error| self.broken("resume", error))?;
        self.wait()
    }

    /// Lets it run to the next border of a system call.
    pub(super) fn resume_to_system_call(&mut self) -> Result<Stop> {
        let signal = self.pending();
        ptrace::syscall(self.pid, signal).map_err(|error| self.broken("resume", error))?;
        self.wait()
    }

    /// The signal that the process has yet to receive. Traps are ours.
    fn pending(&self) -> Option<Signal> {
        match self.stop {
            Stop::Signal(Signal::SIGTRAP | Signal::SIGSTOP) => None,
            Stop::Signal(signal) => Some(signal),
            _ => None,
        }
    }

    /// Delivers `signal` with the next resumption although it was not what stopped it.
    pub fn deliver(&mut self, signal: Signal) -> Result<Stop> {
        ptrace::cont(self.pid, signal).map_err(|error| self.broken("resume", error))?;
        self.wait()
    }

    /// Lets go of it, stopped, for a debugger. It is still ended when this is dropped.
    pub fn release(&self) -> Result<()> {
        ptrace::detach(self.pid, Signal::SIGSTOP).map_err(|error| self.broken("let go", error))
    }

    fn wait(&mut self) -> Result<Stop> {
        let status = loop {
            match waitpid(self.pid, Some(WaitPidFlag::__WALL)) {
                Err(Errno::EINTR) => {}
                other => break other.map_err(|error| self.broken("wait", error))?,
            }
        };
        let Some((_, stop)) = stop_of(status) else {
            return Err(self.broken("wait", "it neither stopped nor ended"));
        };
        self.stop = stop;
        Ok(self.stop)
    }

    /// Reads its memory; fails where nothing is mapped.
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> Result<()> {
        let length = bytes.len();
        let remote = RemoteIoVec {
            base: address as usize,
            len: length,
        };
        match process_vm_readv(self.pid, &mut [IoSliceMut::new(bytes)], &[remote]) {
            Ok(count) if count == length => Ok(()),
            Ok(count) => Err(self.broken("read memory", format!("{count} of {length} bytes"))),
            Err(error) => Err(self.broken(&format!("read memory at {address:#x}"), error)),
        }
    }

    /// Reads a word of its memory.
    pub fn read_word(&self, address: u64) -> Result<u64> {
        let mut bytes = [0; 8];
        self.read(address, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Writes its memory, read-only pages of its own included.
    pub fn write(&self, address: u64, bytes: &[u8]) -> Result<()> {
        let remote = RemoteIoVec {
            base: address as usize,
            len: bytes.len(),
        };
        if process_vm_writev(self.pid, &[IoSlice::new(bytes)], &[remote]) == Ok(bytes.len()) {
            return Ok(());
        }
        self.poke(address, bytes)
    }

    /// Word by word, which protection does not stop.
    fn poke(&self, address: u64, bytes: &[u8]) -> Result<()> {
        let start = address & !7;
        let end = (address + bytes.len() as u64).next_multiple_of(8);
        for word_at in (start..end).step_by(8) {
            let pointer = word_at as ptrace::AddressType;
            let word = ptrace::read(self.pid, pointer)
                .map_err(|error| self.broken("read a word", error))?;
            let mut word = word.to_le_bytes();
            for (offset, byte) in word.iter_mut().enumerate() {
                let at = (word_at + offset as u64).wrapping_sub(address);
                if let Some(new) = bytes.get(at as usize) {
                    *byte = *new;
                }
            }
            ptrace::write(self.pid, pointer, i64::from_le_bytes(word))
                .map_err(|error| self.broken("write a word", error))?;
        }
        Ok(())
    }

    pub(crate) fn broken(&self, wanted: &str, error: impl std::fmt::Display) -> Failure {
        Failure::system(
            format!(
                "to {wanted} of the target (process {}, {:?})",
                self.pid, self.stop
            ),
            error,
        )
    }
}

/// Who stopped or ended, and why. `None` if nobody did.
pub(crate) fn stop_of(status: WaitStatus) -> Option<(Pid, Stop)> {
    Some(match status {
        WaitStatus::Exited(pid, status) => (pid, Stop::Exited(status)),
        WaitStatus::Signaled(pid, signal, _) => (pid, Stop::Killed(signal)),
        WaitStatus::Stopped(pid, signal) => (pid, Stop::Signal(signal)),
        WaitStatus::PtraceEvent(pid, _, event) => (pid, Stop::Event(event)),
        WaitStatus::PtraceSyscall(pid) => (pid, Stop::SystemCall),
        WaitStatus::Continued(_) | WaitStatus::StillAlive => return None,
    })
}

impl Drop for Tracee {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        // A process that is gone already needs no killing.
        let _ = kill(self.pid, Signal::SIGKILL);
        while !self.has_ended() {
            // A process that stops at its exit does so even now.
            let _ = ptrace::cont(self.pid, None);
            if self.wait().is_err() {
                return;
            }
        }
    }
}
