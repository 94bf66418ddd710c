//! A fault-free life of the target, stopped at the instructions of one request.
//!
//! 1. The target is launched and runs natively to the request's first marker.
//! 2. It is stepped, instruction by instruction, to the last marker.
//! 3. At any of them it can be copied.

use std::fs::File;
use std::path::PathBuf;

use iced_x86::Mnemonic;
use nix::sys::signal::Signal;

use crate::code::facts::Facts;
use crate::code::image::Image;
use crate::code::place::base_of;
use crate::failure::{Failure, Result};
use crate::protocol::{GATE_SYSCALL, MARKER_BEGIN, MARKER_END, MARKER_REPLIED, MARKER_SEALED};
use crate::tracer::launch::{Launched, Launcher};
use crate::tracer::{Registers, Stop, Tracee, maps, startup};

/// Addresses of the target's markers, relative to the program.
#[derive(Debug, Clone)]
pub struct Markers {
    /// The program's file, as the system names it.
    pub program: PathBuf,
    /// Before a request is sealed.
    pub begin: u64,
    /// Behind the seal.
    pub sealed: u64,
    /// Behind the handler.
    pub replied: u64,
    /// Behind the reply.
    pub end: u64,
    /// The `syscall` instruction.
    pub gate: u64,
    /// What the runtime says about line codes, where it keeps them.
    pub lines: Option<u64>,
}

impl Markers {
    /// Finds them.
    pub fn find(program: PathBuf, image: &Image) -> Result<Self> {
        Ok(Self {
            begin: image.only(MARKER_BEGIN)?,
            sealed: image.only(MARKER_SEALED)?,
            replied: image.only(MARKER_REPLIED)?,
            end: image.only(MARKER_END)?,
            gate: image.only(GATE_SYSCALL)?,
            lines: image.lines,
            program,
        })
    }
}

/// A target on its way through a request.
#[derive(Debug)]
pub struct Walk {
    tracee: Tracee,
    registers: Registers,
    /// What the target appends.
    pub messages: File,
    /// Its standard error.
    pub errors: File,
    base: u64,
    markers: Markers,
}

impl Walk {
    /// Launches a target and brings it to the first marker of request number `request`.
    pub fn to_request(launcher: &Launcher, markers: &Markers, request: u32) -> Result<Self> {
        let Launched {
            mut tracee,
            messages,
            errors,
        } = launcher.launch()?;
        let base = base_of(&markers.program, &maps::of(tracee.pid())?)?;
        let (breakpoint, mut registers) = startup::run_to(&mut tracee, base + markers.begin)?;
        while registers.rdi < u64::from(request) {
            registers = breakpoint.next(&mut tracee)?;
        }
        breakpoint.clear(&tracee)?;
        if registers.rdi != u64::from(request) {
            return Err(strayed(&format!("request {request}"), registers.rdi));
        }
        Ok(Self {
            tracee,
            registers,
            messages,
            errors,
            base,
            markers: markers.clone(),
        })
    }

    /// The registers before the next instruction.
    pub fn registers(&self) -> &Registers {
        &self.registers
    }

    /// The stopped process.
    pub fn tracee(&self) -> &Tracee {
        &self.tracee
    }

    /// Where the program is loaded.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Where the last marker lies.
    pub fn end(&self) -> u64 {
        self.base + self.markers.end
    }

    /// Whether the last marker is reached.
    pub fn is_over(&self) -> bool {
        self.registers.rip == self.end()
    }

    /// Executes the next instruction.
    pub fn advance(&mut self, facts: &Facts) -> Result<()> {
        match step(&mut self.tracee, facts)? {
            Stop::Signal(Signal::SIGTRAP) => {}
            stop => return Err(strayed("to step through a handler", format!("{stop:?}"))),
        }
        self.registers = self.tracee.registers()?;
        Ok(())
    }

    /// A copy of the target as it stands.
    pub fn copy(&mut self) -> Result<Tracee> {
        let gate = self.base + self.markers.gate;
        self.tracee.copy(&self.registers, gate)
    }
}

/// Executes one instruction. The trap flag with which the processor steps must not stay in flags that
/// the instruction pushes.
pub fn step(tracee: &mut Tracee, facts: &Facts) -> Result<Stop> {
    const TRAP_FLAG: u64 = 1 << 8;
    let stop = tracee.step()?;
    let pushes = matches!(
        facts.instruction.mnemonic(),
        Mnemonic::Pushf | Mnemonic::Pushfq
    );
    if pushes && stop == Stop::Signal(Signal::SIGTRAP) {
        let top = tracee.registers()?.rsp;
        let flags = tracee.read_word(top)? & !TRAP_FLAG;
        tracee.write(top, &flags.to_le_bytes())?;
    }
    Ok(stop)
}

fn strayed(wanted: &str, found: impl std::fmt::Display) -> Failure {
    Failure::new(
        wanted,
        found.to_string(),
        "run the target's program without arguments: it checks itself and says what is wrong",
    )
}
