//! A permanent fault of one core: one bit of one class of instructions' results is stuck.
//!
//! 1. The class is that of an instruction drawn uniformly from the walk; bit and level are drawn too.
//! 2. The copy is stepped through so many handlers, whatever path it takes, and the bit is forced
//!    in the result of every instruction of the class.
//! 3. It runs on natively from there, healthy again.
//!
//! The fault belongs to the core on which the copy was struck: on another core the bit is left alone.

use iced_x86::{Mnemonic, Register};
use nix::sys::signal::Signal;
use rand::RngExt as _;

use super::{Strike, Struck};
use crate::code::facts::{Facts, INSTRUCTION_BYTES_MAX};
use crate::code::operands::slot;
use crate::failure::Result;
use crate::tracer::{Stop, Tracee};
use crate::walk::step;

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
    pub(super) fn stuck_at(&mut self, copy: &mut Tracee) -> Result<Struck> {
        let Some(stuck) = self.draw_stuck() else {
            return Ok(Struck::nothing());
        };
        let core = core_of(copy);
        let mut handlers = 0;
        for _ in 0..STEPS_MAX {
            let mut registers = copy.registers()?;
            if registers.rip == self.end {
                handlers += 1;
                if handlers == HANDLERS {
                    break;
                }
            }
            let Some(facts) = self.next_instruction(copy, registers.rip) else {
                break;
            };
            step(copy, &facts)?;
            if copy.stop() != Stop::Signal(Signal::SIGTRAP) {
                break;
            }
            if facts.instruction.mnemonic() == stuck.class && core_of(copy) == core {
                registers = copy.registers()?;
                stuck.force(&facts, &mut registers);
                copy.set_registers(&registers)?;
            }
        }
        let class = format!("{:?}", stuck.class).to_lowercase();
        let level = u8::from(stuck.level);
        Ok(Struck {
            place: format!("results of {class} stuck at {level}"),
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

    /// Known from the walk, or decoded where the copy has gone astray.
    fn next_instruction(&self, copy: &Tracee, address: u64) -> Option<Facts> {
        let mut bytes = [0; INSTRUCTION_BYTES_MAX];
        copy.read(address, &mut bytes).ok()?;
        Facts::decode(address, &bytes).ok()
    }
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
fn core_of(copy: &Tracee) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{}/stat", copy.pid())).ok()?;
    status
        .rsplit(") ")
        .next()?
        .split_whitespace()
        .nth(36)?
        .parse()
        .ok()
}
