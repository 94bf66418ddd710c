//! Starts a target the same way every time.
//!
//! Without address randomisation, with fixed arguments, environment, descriptors and limits, on
//! the launching thread's core, so that every life has the same layout and the same bytes.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::path::Path;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::personality::{self, Persona};
use nix::sys::ptrace;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{ForkResult, fork};

use super::{Stop, Tracee};
use crate::failure::{Failure, Result};
use crate::protocol::{MESSAGES, PROGRAM, SERVE, TRACE};

/// Descriptors of the injector's side are kept above those of the target.
const DESCRIPTORS_FROM: RawFd = 20;
/// Address space of a target: a wild length must not bring the machine down.
const ADDRESS_SPACE_BYTES_MAX: u64 = 8 << 30;
/// What a target may append to its messages.
const FILE_BYTES_MAX: u64 = 256 << 20;
const STACK_BYTES: u64 = 8 << 20;
/// By this variable the runtime takes a policy.
const ON_FAULT: &str = "ASC_ON_FAULT";
/// rseq has the kernel write the core's number into the target's memory at every preemption.
const ENVIRONMENT: &CStr = c"GLIBC_TUNABLES=glibc.pthread.rseq=0";

/// What is the same in every life of a target.
#[derive(Debug)]
pub struct Launcher {
    program: OwnedFd,
    trace: OwnedFd,
    environment: Vec<CString>,
}

/// A launched target and where it speaks to.
#[derive(Debug)]
pub struct Launched {
    /// The process, stopped before its first instruction.
    pub tracee: Tracee,
    /// What it appends.
    pub messages: File,
    /// Its standard error.
    pub errors: File,
}

impl Launcher {
    /// A launcher of `program` with this trace; its runtime gets the policy, if there is one.
    pub fn new(program: &Path, nonce: u64, trace: &[u8], on_fault: Option<&str>) -> Result<Self> {
        let file =
            File::open(program).map_err(|error| Failure::file("the target", program, error))?;
        let mut input = memory_file(c"trace")?;
        input
            .write_all(&nonce.to_le_bytes())
            .and_then(|()| input.write_all(trace))
            .map_err(|error| Failure::system("to hand the trace over", error))?;
        Ok(Self {
            program: lifted(file.into())?,
            trace: input.into(),
            environment: environment(on_fault),
        })
    }

    /// Starts a target. The calling thread becomes its tracer.
    pub fn launch(&self) -> Result<Launched> {
        let messages = memory_file(c"messages")?;
        let errors = memory_file(c"errors")?;
        for file in [&messages, &errors] {
            fcntl(file, FcntlArg::F_SETFL(OFlag::O_APPEND))
                .map_err(|error| Failure::system("a file to append to", error))?;
        }
        let mut trace = File::from(
            self.trace
                .try_clone()
                .map_err(|error| Failure::system("the trace", error))?,
        );
        trace
            .rewind()
            .map_err(|error| Failure::system("to rewind the trace", error))?;
        let null = File::open("/dev/null").map_err(|error| Failure::system("/dev/null", error))?;
        let null = lifted(null.into())?;
        let places = [
            null.as_raw_fd(),
            null.as_raw_fd(),
            errors.as_raw_fd(),
            self.trace.as_raw_fd(),
            messages.as_raw_fd(),
            self.program.as_raw_fd(),
        ];
        let tracee = start(&places, &self.environment)?;
        Ok(Launched {
            tracee,
            messages,
            errors,
        })
    }
}

fn environment(on_fault: Option<&str>) -> Vec<CString> {
    let policy = on_fault.and_then(|policy| CString::new(format!("{ON_FAULT}={policy}")).ok());
    [ENVIRONMENT.to_owned()].into_iter().chain(policy).collect()
}

fn start(places: &[RawFd; 6], environment: &[CString]) -> Result<Tracee> {
    // Descriptor PROGRAM: the name of the program is the same wherever its file lies.
    let path = CString::new(format!("/proc/self/fd/{PROGRAM}")).unwrap_or_default();
    let mode = CString::new(SERVE).unwrap_or_default();
    let arguments = [c"target".as_ptr(), mode.as_ptr(), std::ptr::null()];
    let environment: Vec<_> = environment
        .iter()
        .map(|variable| variable.as_ptr())
        .chain([std::ptr::null()])
        .collect();
    // SAFETY: until it executes the program the child calls only async-signal-safe functions and
    // allocates nothing.
    let forked = unsafe { fork() }.map_err(|error| Failure::system("a new process", error))?;
    let ForkResult::Parent { child } = forked else {
        become_target(places);
        // SAFETY: all strings and arrays are terminated and alive.
        unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
        // SAFETY: ends the child that could not become the target.
        unsafe { libc::_exit(127) }
    };
    let tracee = Tracee::adopt(child)?;
    if !matches!(tracee.stop(), Stop::Signal(_)) {
        return Err(Failure::new(
            "the target to start",
            format!("{:?}", tracee.stop()),
            "see that the file is a program and that ptrace is allowed",
        ));
    }
    let options = ptrace::Options::PTRACE_O_EXITKILL
        | ptrace::Options::PTRACE_O_TRACECLONE
        | ptrace::Options::PTRACE_O_TRACEFORK
        | ptrace::Options::PTRACE_O_TRACESYSGOOD;
    ptrace::setoptions(child, options).map_err(|error| tracee.broken("set options", error))?;
    Ok(tracee)
}

/// In the child: gives up everything that differs from life to life. What fails shows as a target
/// that cannot start or that differs from itself.
fn become_target(places: &[RawFd; 6]) {
    for (target, source) in places.iter().enumerate() {
        // SAFETY: plain descriptor numbers.
        unsafe { libc::dup2(*source, target as RawFd) };
    }
    // SAFETY: closes what is not the target's when the program is executed.
    unsafe {
        libc::close_range(
            places.len() as u32,
            u32::MAX,
            libc::CLOSE_RANGE_CLOEXEC as i32,
        )
    };
    let limits = [
        (Resource::RLIMIT_AS, ADDRESS_SPACE_BYTES_MAX),
        (Resource::RLIMIT_FSIZE, FILE_BYTES_MAX),
        (Resource::RLIMIT_STACK, STACK_BYTES),
        (Resource::RLIMIT_CORE, 0),
    ];
    for (resource, limit) in limits {
        let _ = setrlimit(resource, limit, limit);
    }
    let _ = personality::set(Persona::ADDR_NO_RANDOMIZE);
    let _ = ptrace::traceme();
}

pub(crate) fn memory_file(name: &CStr) -> Result<File> {
    let descriptor = memfd_create(name, MFdFlags::MFD_CLOEXEC)
        .map_err(|error| Failure::system("a file in memory", error))?;
    Ok(File::from(lifted(descriptor)?))
}

/// The same descriptor with a number that no target uses.
fn lifted(descriptor: OwnedFd) -> Result<OwnedFd> {
    let number = fcntl(&descriptor, FcntlArg::F_DUPFD_CLOEXEC(DESCRIPTORS_FROM))
        .map_err(|error| Failure::system("a descriptor", error))?;
    // SAFETY: just made, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

const _: () = assert!(TRACE == 3 && MESSAGES == 4 && PROGRAM == 5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_all_that_differs() {
        assert_eq!(environment(None), [ENVIRONMENT.to_owned()]);
        let with = environment(Some("retry(3)"));
        let policy = c"ASC_ON_FAULT=retry(3)".to_owned();
        assert_eq!(with, [ENVIRONMENT.to_owned(), policy]);
    }
}
