//! All threads of a server, traced by this thread.
//!
//! They run natively; only what happens to one of them is reported here. A breakpoint in the shared
//! text is written while they run: one byte, which a processor sees as a whole.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;

use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use crate::failure::{Failure, Result};
use crate::tracer::{Stop, Tracee, stop_of};

const INT3: u8 = 0xCC;

/// The threads of a traced process. Dropping them ends the process.
#[derive(Debug)]
pub struct Threads {
    process: Pid,
    memory: File,
    end: Option<Stop>,
    breakpoint: Option<Breakpoint>,
    /// Where breakpoints were: a thread may have hit one that is gone when it is reported.
    were: BTreeSet<u64>,
    signals: Vec<Signal>,
}

#[derive(Debug, Clone, Copy)]
struct Breakpoint {
    address: u64,
    original: u8,
}

/// What happened to a server.
#[derive(Debug)]
pub enum Event {
    /// Nothing that anybody has to see to.
    Nothing,
    /// This thread has reached the breakpoint, which is gone now; it stands before the instruction.
    Reached(Tracee),
    /// The process is no more.
    Ended,
}

impl Threads {
    /// Traces all threads of `process`, which is a child of this thread.
    pub fn seize(process: Pid) -> Result<Self> {
        let seized = seize_all(process).and_then(|stopped| {
            let memory = File::options()
                .read(true)
                .write(true)
                .open(format!("/proc/{process}/mem"))
                .map_err(|error| Failure::system("the server's memory", error))?;
            Ok((memory, stopped))
        });
        let (memory, stopped) = seized.inspect_err(|_| end(process))?;
        let mut threads = Self {
            process,
            memory,
            end: None,
            breakpoint: None,
            were: BTreeSet::new(),
            signals: Vec::new(),
        };
        for (thread, stop) in stopped {
            threads.see_to(thread, stop)?;
        }
        Ok(threads)
    }

    /// The process.
    pub fn process(&self) -> Pid {
        self.process
    }

    /// How the process ended.
    pub fn end(&self) -> Option<Stop> {
        self.end
    }

    /// Signals that its threads have received.
    pub fn signals(&self) -> &[Signal] {
        &self.signals
    }

    /// Stops the next thread that reaches `address`. A process that is gone has none.
    pub fn set_breakpoint(&mut self, address: u64) -> Result<()> {
        let mut original = [0];
        let done = self
            .memory
            .read_exact_at(&mut original, address)
            .and_then(|()| self.memory.write_all_at(&[INT3], address));
        unless_gone(done).map_err(|error| Failure::system("a breakpoint in the server", error))?;
        self.were.insert(address);
        self.breakpoint = Some(Breakpoint {
            address,
            original: original[0],
        });
        Ok(())
    }

    /// Takes the breakpoint away, if there is one.
    pub fn clear_breakpoint(&mut self) -> Result<()> {
        let Some(breakpoint) = self.breakpoint.take() else {
            return Ok(());
        };
        let done = self
            .memory
            .write_all_at(&[breakpoint.original], breakpoint.address);
        unless_gone(done).map_err(|error| Failure::system("to take a breakpoint away", error))
    }

    /// Sees to the next thing that has happened. `None` if nothing has.
    pub fn poll(&mut self) -> Result<Option<Event>> {
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD | WaitPidFlag::WNOHANG;
        let status = match waitpid(None, Some(flags)) {
            Err(Errno::EINTR) => return Ok(Some(Event::Nothing)),
            Err(Errno::ECHILD) => return Ok(Some(Event::Ended)),
            other => other.map_err(|error| Failure::system("to wait for the server", error))?,
        };
        let Some((thread, stop)) = stop_of(status) else {
            return Ok(None);
        };
        self.see_to(thread, stop).map(Some)
    }

    fn see_to(&mut self, thread: Pid, stop: Stop) -> Result<Event> {
        match stop {
            Stop::Exited(_) | Stop::Killed(_) => {
                if thread == self.process {
                    self.end = Some(stop);
                    return Ok(Event::Ended);
                }
            }
            Stop::Signal(Signal::SIGTRAP) => return self.see_to_trap(thread),
            Stop::Signal(signal) => self.go_on(thread, Some(signal)),
            Stop::Event(_) | Stop::SystemCall => self.go_on(thread, None),
        }
        Ok(Event::Nothing)
    }

    fn see_to_trap(&mut self, thread: Pid) -> Result<Event> {
        let tracee = Tracee::stopped(thread, Stop::Signal(Signal::SIGTRAP));
        let Ok(mut registers) = tracee.registers() else {
            // It was ended while it stood.
            tracee.leave();
            return Ok(Event::Nothing);
        };
        let address = registers.rip.wrapping_sub(1);
        if !self.were.contains(&address) {
            tracee.leave();
            self.go_on(thread, Some(Signal::SIGTRAP));
            return Ok(Event::Nothing);
        }
        registers.rip = address;
        let rewound = tracee.set_registers(&registers);
        if rewound.is_ok() && self.breakpoint.is_some() {
            self.clear_breakpoint()?;
            return Ok(Event::Reached(tracee));
        }
        tracee.leave();
        self.go_on(thread, None);
        Ok(Event::Nothing)
    }

    /// Lets a thread run that was taken from [`Event::Reached`].
    pub fn resume(&mut self, tracee: Tracee) {
        let (thread, stop) = (tracee.pid(), tracee.stop());
        tracee.leave();
        match stop {
            Stop::Exited(_) | Stop::Killed(_) if thread == self.process => self.end = Some(stop),
            Stop::Exited(_) | Stop::Killed(_) => {}
            Stop::Signal(Signal::SIGTRAP | Signal::SIGSTOP) => self.go_on(thread, None),
            Stop::Signal(signal) => self.go_on(thread, Some(signal)),
            Stop::Event(_) | Stop::SystemCall => self.go_on(thread, None),
        }
    }

    /// A thread that was ended meanwhile cannot go on, and reports its end.
    fn go_on(&mut self, thread: Pid, signal: Option<Signal>) {
        self.signals.extend(signal);
        let _ = ptrace::cont(thread, signal);
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if self.end.is_none() {
            end(self.process);
        }
        reap();
    }
}

/// The memory of a process that is gone reads and takes no bytes. Its end is reported next.
fn unless_gone(done: io::Result<()>) -> io::Result<()> {
    let kind = done.as_ref().map_err(io::Error::kind);
    match kind {
        Err(ErrorKind::UnexpectedEof | ErrorKind::WriteZero) => Ok(()),
        _ => done,
    }
}

/// Ends a process that this thread has not reaped.
fn end(process: Pid) {
    // Its number is still its own, so nobody else is hit.
    let _ = kill(process, Signal::SIGKILL);
    reap();
}

/// Waits for all children and traced threads of this thread.
fn reap() {
    let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
    while waitpid(None, Some(flags)).is_ok() {}
}

/// Until no thread is left that was not seen before; says how they were stopped. They stand still meanwhile:
/// a thread that was about to start another when it was seized starts one that nobody traces.
fn seize_all(process: Pid) -> Result<Vec<(Pid, Stop)>> {
    let mut known = BTreeSet::new();
    let mut stopped = Vec::new();
    loop {
        let before = known.len();
        for thread in tasks(process)? {
            if known.insert(thread) {
                let stop =
                    seize(thread).map_err(|error| Failure::system("to trace the server", error))?;
                stopped.extend(stop.map(|stop| (thread, stop)));
            }
        }
        if known.len() == before {
            return Ok(stopped);
        }
    }
}

/// Traces a thread and stops it. `None` if it has ended, or was traced from its beginning on.
fn seize(thread: Pid) -> nix::Result<Option<Stop>> {
    let options = ptrace::Options::PTRACE_O_EXITKILL | ptrace::Options::PTRACE_O_TRACECLONE;
    match ptrace::seize(thread, options) {
        Ok(()) => {}
        Err(Errno::ESRCH | Errno::EPERM) => return Ok(None),
        Err(error) => return Err(error),
    }
    match ptrace::interrupt(thread) {
        // It is on its way out, which it reports.
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => return Err(error),
    }
    loop {
        match waitpid(thread, Some(WaitPidFlag::__WALL)) {
            Err(Errno::EINTR) => {}
            status => return Ok(stop_of(status?).map(|(_, stop)| stop)),
        }
    }
}

/// The threads of a process.
pub(super) fn tasks(process: Pid) -> Result<Vec<Pid>> {
    let wanted = |error| Failure::system("the server's threads", error);
    let entries = fs::read_dir(format!("/proc/{process}/task")).map_err(wanted)?;
    Ok(entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .map(Pid::from_raw)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_a_process_is_excused() {
        for (kind, is_excused) in [
            (ErrorKind::UnexpectedEof, true),
            (ErrorKind::WriteZero, true),
            (ErrorKind::PermissionDenied, false),
        ] {
            assert_eq!(unless_gone(Err(kind.into())).is_ok(), is_excused, "{kind}");
        }
    }
}
