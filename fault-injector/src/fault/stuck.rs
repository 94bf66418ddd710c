//! A permanent fault of one core: one bit of one class of instructions' results is stuck.
//!
//! 1. The class is that of an instruction drawn uniformly from the walk; bit and level are drawn too.
//! 2. The copy is stepped through so many handlers, whatever path it takes, and the bit is forced
//!    in the result of every instruction of the class.
//! 3. It runs on natively from there, healthy again.
//!
//! The fault belongs to the core on which the copy was struck: what is executed on another core is
//! left alone. A target comes to another core when it asks the system for one, or when the system
//! moves it: with `stuck-at-moved` that happens in each handler, behind as many instructions as are
//! drawn, and at the handler's end it is moved back.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use iced_x86::{Mnemonic, Register};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use rand::RngExt as _;

use super::{Strike, Struck};
use crate::code::facts::{Facts, INSTRUCTION_BYTES_MAX};
use crate::code::operands::slot;
use crate::failure::{Failure, Result};
use crate::tracer::{Stop, Tracee};
use crate::walk::step;
use crate::worker::{allowed_cores, pin_to};

/// Handlers for which the fault lasts.
pub(super) const HANDLERS: u32 = 3;
/// Steps after which a copy that has lost its way is left to run.
const STEPS_MAX: usize = 200_000;

/// One stuck bit.
#[derive(Debug, Clone, Copy)]
struct Stuck {
    class: Mnemonic,
    bit: u32,
    level: bool,
}

impl Strike<'_> {
    pub(super) fn stuck_at(&mut self, copy: &mut Tracee, moved: bool) -> Result<Struck> {
        let Some(stuck) = self.draw_stuck() else {
            return Ok(Struck::nothing());
        };
        let moved_at = moved.then(|| self.random.random_range(0..self.walk.steps.len() as u64));
        let Some(struck_core) = core_of(copy) else {
            return Ok(Struck::nothing());
        };
        let cores = Cores::of(struck_core)?;
        let (mut handlers, mut at) = (0, 0);
        let mut known = HashMap::new();
        for _ in 0..STEPS_MAX {
            let address = copy.registers()?.rip;
            if address == self.end {
                handlers += 1;
                if handlers == HANDLERS {
                    break;
                }
                at = 0;
                cores.move_to(copy, cores.struck)?;
            } else if moved_at == Some(at) {
                cores.move_to(copy, cores.other()?)?;
            }
            let facts = match known.entry(address) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => match decode(copy, address) {
                    Some(facts) => place.insert(facts),
                    None => break,
                },
            };
            step(copy, facts)?;
            at += 1;
            if copy.stop() != Stop::Signal(Signal::SIGTRAP) {
                break;
            }
            if facts.instruction.mnemonic() == stuck.class && core_of(copy) == Some(struck_core) {
                let mut registers = copy.registers()?;
                stuck.force(facts, &mut registers);
                copy.set_registers(&registers)?;
            }
        }
        cores.move_to(copy, cores.struck)?;
        let class = format!("{:?}", stuck.class).to_lowercase();
        let level = u8::from(stuck.level);
        let moved = moved_at.map_or(String::new(), |at| format!(", moved at step {at}"));
        Ok(Struck {
            place: format!("results of {class} stuck at {level}{moved}"),
            mask: 1 << stuck.bit,
        })
    }

    fn draw_stuck(&mut self) -> Option<Stuck> {
        let writing: Vec<u32> = self
            .walk
            .steps
            .iter()
            .filter(|number| result(&self.sites[**number as usize].facts).is_some())
            .copied()
            .collect();
        let number = self.choose(&writing)?;
        let facts = &self.sites[number as usize].facts;
        let bits = result(facts)?.size() as u32 * 8;
        Some(Stuck {
            class: facts.instruction.mnemonic(),
            bit: self.random.random_range(0..bits),
            level: self.random.random(),
        })
    }
}

/// The instruction at `address`, unless the copy has gone astray.
fn decode(copy: &Tracee, address: u64) -> Option<Facts> {
    let mut bytes = [0; INSTRUCTION_BYTES_MAX];
    copy.read(address, &mut bytes).ok()?;
    Facts::decode(address, &bytes).ok()
}

impl Stuck {
    fn force(self, facts: &Facts, registers: &mut crate::tracer::Registers) {
        let Some(register) = result(facts).filter(|register| self.bit < register.size() as u32 * 8)
        else {
            return;
        };
        if let Some(slot) = slot(registers, register) {
            let mask = 1 << self.bit;
            *slot = if self.level {
                *slot | mask
            } else {
                *slot & !mask
            };
        }
    }
}

/// The core with the fault, and one without.
struct Cores {
    struck: usize,
    other: Option<usize>,
}

impl Cores {
    fn of(struck: usize) -> Result<Self> {
        let others = allowed_cores()?.into_iter();
        Ok(Self {
            struck,
            other: others.into_iter().find(|core| *core != struck),
        })
    }

    fn other(&self) -> Result<usize> {
        self.other.ok_or_else(|| {
            Failure::new(
                "a second core, to move the target to",
                "one",
                "allow more cores (taskset, cpuset), or leave the model stuck-at-moved out",
            )
        })
    }

    /// Moves the copy, and its tracer along: waking another core takes longer than a step.
    fn move_to(&self, copy: &Tracee, core: usize) -> Result<()> {
        if !copy.has_ended() {
            pin_to(copy.pid(), core)?;
        }
        pin_to(Pid::from_raw(0), core)
    }
}

/// The general-purpose register that an instruction computes into.
fn result(facts: &Facts) -> Option<Register> {
    let register = facts.instruction.op0_register();
    let computed = register.is_gpr()
        && register.full_register() != Register::RSP
        && facts
            .writes
            .iter()
            .any(|part| part.register.full_register() == register.full_register());
    computed.then_some(register)
}

/// The core that the process ran on last: field 39 of its status, the 37th behind the name.
fn core_of(copy: &Tracee) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{}/stat", copy.pid())).ok()?;
    status
        .rsplit(") ")
        .next()?
        .split_whitespace()
        .nth(36)?
        .parse()
        .ok()
}
