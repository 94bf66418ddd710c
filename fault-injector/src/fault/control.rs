//! Control flow: the instruction pointer, branches and jumps to anywhere.

use rand::RngExt as _;

use super::{Strike, Struck};
use crate::code::facts::condition_holds;
use crate::failure::Result;
use crate::tracer::Tracee;

/// Bits that a user's instruction pointer has.
const POINTER_BITS: u32 = 48;

impl Strike<'_> {
    pub(super) fn instruction_pointer(&mut self, copy: &mut Tracee) -> Result<Struck> {
        let mask = self.mask.draw(POINTER_BITS, &mut self.random);
        self.jump(copy, self.registers.rip ^ mask, "rip".to_owned())
    }

    pub(super) fn branch_inversion(&mut self, copy: &mut Tracee) -> Result<Struck> {
        let instruction = &self.site.facts.instruction;
        let Some(target) = self.site.facts.branch else {
            return Ok(Struck::nothing());
        };
        let taken = condition_holds(instruction.condition_code(), self.registers.eflags);
        let (place, to) = if taken {
            ("branch not taken", instruction.next_ip())
        } else {
            ("branch taken", target)
        };
        self.jump(copy, to, place.to_owned())
    }

    pub(super) fn wild_jump(&mut self, copy: &mut Tracee) -> Result<Struck> {
        let offset = self.random.random_range(0..self.text.length.max(1));
        self.jump(
            copy,
            self.text.address + offset,
            format!("rip to .text+{offset:#x}"),
        )
    }

    fn jump(&mut self, copy: &Tracee, to: u64, place: String) -> Result<Struck> {
        let mask = self.registers.rip ^ to;
        self.registers.rip = to;
        copy.set_registers(&self.registers)?;
        Ok(Struck { place, mask })
    }
}
