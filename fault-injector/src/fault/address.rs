//! The address of one memory access.
//!
//! The register that the address comes from is changed by as much as the address is to differ, the
//! instruction is executed, and the register is put back unless it was overwritten. Addresses relative
//! to the instruction pointer are changed in the instruction's displacement.

use iced_x86::Register;

use super::{Strike, Struck};
use crate::code::facts::AddressSource;
use crate::code::operands::slot;
use crate::failure::Result;
use crate::tracer::Tracee;
use crate::walk::step;

/// Bits of a user's address.
const ADDRESS_BITS: u32 = 47;
/// Bits of a displacement below its sign.
const DISPLACEMENT_BITS: u32 = 31;

impl Strike<'_> {
    pub(super) fn address(&mut self, copy: &mut Tracee) -> Result<Struck> {
        match self.site.facts.address {
            Some(AddressSource::Register(register, overwritten)) => {
                self.through_register(copy, register, overwritten)
            }
            Some(AddressSource::Displacement(offset)) => self.through_displacement(copy, offset),
            None => Ok(Struck::nothing()),
        }
    }

    fn through_register(
        &mut self,
        copy: &mut Tracee,
        register: Register,
        overwritten: bool,
    ) -> Result<Struck> {
        let instruction = &self.site.facts.instruction;
        let registers = &self.registers;
        let address =
            instruction.virtual_address(memory_operand(instruction), 0, |register, _, _| {
                crate::code::operands::value(registers, register)
            });
        let Some(address) = address else {
            return Ok(Struck::nothing());
        };
        let mask = self.mask.draw(ADDRESS_BITS, &mut self.random);
        let difference = (address ^ mask).wrapping_sub(address);
        let mut changed = self.registers;
        if let Some(slot) = slot(&mut changed, register) {
            *slot = slot.wrapping_add(difference);
        }
        copy.set_registers(&changed)?;
        step(copy, &self.site.facts)?;
        if !overwritten && !copy.has_ended() {
            let mut after = copy.registers()?;
            if let Some(slot) = slot(&mut after, register) {
                *slot = slot.wrapping_sub(difference);
            }
            copy.set_registers(&after)?;
        }
        Ok(self.address_struck(mask))
    }

    fn through_displacement(&mut self, copy: &mut Tracee, offset: usize) -> Result<Struck> {
        let at = self.site.address + offset as u64;
        let address = self.site.facts.instruction.ip_rel_memory_address();
        let mask = self.mask.draw(DISPLACEMENT_BITS, &mut self.random);
        let difference = (address ^ mask).wrapping_sub(address) as u32;
        let mut original = [0; 4];
        copy.read(at, &mut original)?;
        let changed = u32::from_le_bytes(original).wrapping_add(difference);
        copy.write(at, &changed.to_le_bytes())?;
        step(copy, &self.site.facts)?;
        if !copy.has_ended() {
            copy.write(at, &original)?;
        }
        Ok(self.address_struck(mask))
    }

    fn address_struck(&self, mask: u64) -> Struck {
        let facts = &self.site.facts;
        let kind = if facts.memory_writes.is_empty() {
            "load"
        } else {
            "store"
        };
        Struck {
            place: format!("address of the {kind}"),
            mask,
        }
    }
}

fn memory_operand(instruction: &iced_x86::Instruction) -> u32 {
    (0..instruction.op_count())
        .find(|&operand| instruction.op_kind(operand) == iced_x86::OpKind::Memory)
        .unwrap_or(0)
}
