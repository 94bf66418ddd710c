//! From a target's first instruction to its first marker, with every random byte made constant.
//!
//! 1. The 16 random bytes that the kernel gives each process (stack canary, pointer guard) are
//!    overwritten, and the vDSO is hidden, whose clocks would not be system calls.
//! 2. Answers of `getrandom` (malloc's key, the seeds of hash maps) are overwritten as they come.

use nix::libc;

use super::breakpoint::{Breakpoint, unexpected};
use super::{Registers, Stop, Tracee};
use crate::failure::{Failure, Result};

/// What stands for randomness.
const CONSTANT: u8 = 0x5A;
/// More pieces than any list of arguments and environment here.
const WORDS_MAX: u64 = 1024;

/// Runs a target that was just launched to `marker`; returns the breakpoint there, which is set.
pub fn run_to(tracee: &mut Tracee, marker: u64) -> Result<(Breakpoint, Registers)> {
    freeze_auxiliary_vector(tracee)?;
    let breakpoint = Breakpoint::set(tracee, marker)?;
    let mut entering = true;
    loop {
        match tracee.resume_to_system_call()? {
            Stop::SystemCall => {
                if !entering {
                    answer(tracee)?;
                }
                entering = !entering;
            }
            stop => {
                let registers = breakpoint.hit(tracee)?.ok_or_else(|| unexpected(stop))?;
                return Ok((breakpoint, registers));
            }
        }
    }
}

/// At the exit of a system call: whatever was random is made constant.
fn answer(tracee: &Tracee) -> Result<()> {
    let registers = tracee.registers()?;
    let length = registers.rax as i64;
    if registers.orig_rax == libc::SYS_getrandom as u64 && length > 0 {
        let bytes: Vec<u8> = (0..length).map(|at| CONSTANT ^ at as u8).collect();
        tracee.write(registers.rdi, &bytes)?;
    }
    Ok(())
}

fn freeze_auxiliary_vector(tracee: &Tracee) -> Result<()> {
    let stack = tracee.registers()?.rsp;
    let arguments = tracee.read_word(stack)?;
    // Arguments and their null, then the environment up to its null.
    let mut at = stack + 8 * (arguments + 2);
    let end = at + 8 * WORDS_MAX;
    while tracee.read_word(at)? != 0 {
        at += 8;
    }
    at += 8;
    while at < end {
        match tracee.read_word(at)? {
            libc::AT_NULL => return Ok(()),
            libc::AT_SYSINFO_EHDR => tracee.write(at, &libc::AT_IGNORE.to_le_bytes())?,
            libc::AT_RANDOM => tracee.write(tracee.read_word(at + 8)?, &[CONSTANT; 16])?,
            _ => {}
        }
        at += 16;
    }
    Err(Failure::new(
        "the auxiliary vector of the target",
        "a list without an end",
        "this kernel lays the initial stack out in an unknown way: report it",
    ))
}
