//! What an instruction reads and writes, and so which faults can strike it.

use iced_x86::{
    ConditionCode, Decoder, DecoderOptions, FlowControl, Formatter, Instruction,
    InstructionInfoFactory, IntelFormatter, OpAccess, Register, UsedMemory,
};

use super::operands::{Part, Vector};
use crate::failure::{Failure, Result};
use crate::results::Model;

/// The longest instruction.
pub const INSTRUCTION_BYTES_MAX: usize = 15;

/// An instruction with all that the fault models ask about.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Decoded.
    pub instruction: Instruction,
    /// Disassembled.
    pub text: String,
    /// General-purpose registers it reads.
    pub reads: Vec<Part>,
    /// General-purpose registers it writes.
    pub writes: Vec<Part>,
    /// Vector registers it reads.
    pub vector_reads: Vec<Vector>,
    /// Vector registers it writes.
    pub vector_writes: Vec<Vector>,
    /// Bits of RFLAGS it reads.
    pub flags: Vec<u32>,
    /// Memory it reads.
    pub memory_reads: Vec<UsedMemory>,
    /// Memory it writes.
    pub memory_writes: Vec<UsedMemory>,
    /// How the address of its explicit memory operand can be changed for this access alone.
    pub address: Option<AddressSource>,
    /// The target, if it is a conditional branch.
    pub branch: Option<u64>,
}

/// Where an address comes from.
#[derive(Debug, Clone, Copy)]
pub enum AddressSource {
    /// A register that the instruction uses for nothing else; whether it overwrites it.
    Register(Register, bool),
    /// A 32-bit displacement from the instruction pointer, at this offset in the instruction.
    Displacement(usize),
}

impl Facts {
    /// Decodes the first instruction in `bytes`, which lie at `address`.
    pub fn decode(address: u64, bytes: &[u8]) -> Result<Self> {
        let mut decoder = Decoder::with_ip(64, bytes, address, DecoderOptions::NONE);
        let instruction = decoder.decode();
        if instruction.is_invalid() {
            return Err(Failure::new(
                format!("an instruction at {address:#x}, where the processor executed one"),
                format!("bytes {bytes:02x?} that the decoder does not know"),
                "report them; a newer iced-x86 may know them",
            ));
        }
        let offsets = decoder.get_constant_offsets(&instruction);
        let displacement =
            (offsets.displacement_size() == 4).then(|| offsets.displacement_offset());
        let mut facts = Self::of(instruction);
        facts.address = facts.address_source(displacement);
        Ok(facts)
    }

    fn of(instruction: Instruction) -> Self {
        let mut factory = InstructionInfoFactory::new();
        let info = factory.info(&instruction);
        let registers = info.used_registers();
        let with = |wanted: fn(OpAccess) -> bool| {
            registers
                .iter()
                .filter(move |used| wanted(used.access()))
                .map(|used| used.register())
        };
        let memory = |wanted: fn(OpAccess) -> bool| {
            info.used_memory()
                .iter()
                .filter(|used| wanted(used.access()) && used.memory_size().size() > 0)
                .filter(|used| !used.index().is_vector_register())
                .copied()
                .collect()
        };
        Self {
            text: disassembled(&instruction),
            reads: with(reads).filter_map(Part::of).collect(),
            writes: with(writes).filter_map(Part::of).collect(),
            vector_reads: with(reads).filter_map(Vector::of).collect(),
            vector_writes: with(writes).filter_map(Vector::of).collect(),
            flags: flags_read(&instruction),
            memory_reads: memory(reads),
            memory_writes: memory(writes),
            address: None,
            branch: conditional_target(&instruction),
            instruction,
        }
    }

    /// Whether a fault of this model can strike this instruction. Models that do not strike an
    /// instruction but a moment apply everywhere here.
    pub fn admits(&self, model: Model) -> bool {
        match model {
            Model::RegisterRead => !self.reads.is_empty(),
            Model::RegisterWrite => !self.writes.is_empty(),
            Model::VectorRegister => {
                !self.vector_reads.is_empty() || !self.vector_writes.is_empty()
            }
            Model::Flags => !self.flags.is_empty(),
            Model::BranchInversion => self.branch.is_some(),
            Model::MemoryRead => !self.memory_reads.is_empty(),
            Model::MemoryWrite => !self.memory_writes.is_empty(),
            Model::Address => self.address.is_some(),
            _ => true,
        }
    }

    fn address_source(&self, displacement: Option<usize>) -> Option<AddressSource> {
        let accesses = !self.memory_reads.is_empty() || !self.memory_writes.is_empty();
        let explicit = (0..self.instruction.op_count())
            .any(|operand| self.instruction.op_kind(operand) == iced_x86::OpKind::Memory);
        if !accesses || !explicit {
            return None;
        }
        if self.instruction.is_ip_rel_memory_operand() {
            return displacement.map(AddressSource::Displacement);
        }
        [
            (self.instruction.memory_base(), 1),
            (
                self.instruction.memory_index(),
                self.instruction.memory_index_scale(),
            ),
        ]
        .into_iter()
        .filter(|(register, scale)| register.is_gpr64() && *scale == 1)
        .find(|(register, _)| !self.uses_as_value(*register))
        .map(|(register, _)| AddressSource::Register(register, self.overwrites(register)))
    }

    /// Whether the instruction uses the register for anything but its one address.
    fn uses_as_value(&self, register: Register) -> bool {
        let as_operand = (0..self.instruction.op_count()).any(|operand| {
            let kind = self.instruction.op_kind(operand);
            kind == iced_x86::OpKind::Register
                && self.instruction.op_register(operand).full_register() == register
                && !(operand == 0 && self.only_writes_first())
        });
        let twice = self.instruction.memory_base() == self.instruction.memory_index();
        let stack = register == Register::RSP && self.instruction.is_stack_instruction();
        let implicit = self.instruction.op_count() as usize
            + usize::from(self.instruction.memory_base() != Register::None)
            < self.reads.len();
        as_operand || twice || stack || implicit
    }

    fn only_writes_first(&self) -> bool {
        let mut factory = InstructionInfoFactory::new();
        factory.info(&self.instruction).op0_access() == OpAccess::Write
    }

    fn overwrites(&self, register: Register) -> bool {
        self.writes
            .iter()
            .any(|part| part.register.full_register() == register)
    }
}

fn reads(access: OpAccess) -> bool {
    matches!(
        access,
        OpAccess::Read | OpAccess::CondRead | OpAccess::ReadWrite | OpAccess::ReadCondWrite
    )
}

fn writes(access: OpAccess) -> bool {
    matches!(
        access,
        OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite
    )
}

fn disassembled(instruction: &Instruction) -> String {
    let mut text = String::new();
    IntelFormatter::new().format(instruction, &mut text);
    text
}

/// Numbers of the bits of RFLAGS that the instruction reads.
fn flags_read(instruction: &Instruction) -> Vec<u32> {
    use iced_x86::RflagsBits;
    const PLACES: [(u32, u32); 7] = [
        (RflagsBits::CF, 0),
        (RflagsBits::PF, 2),
        (RflagsBits::AF, 4),
        (RflagsBits::ZF, 6),
        (RflagsBits::SF, 7),
        (RflagsBits::DF, 10),
        (RflagsBits::OF, 11),
    ];
    let read = instruction.rflags_read();
    PLACES
        .iter()
        .filter(|(flag, _)| read & flag != 0)
        .map(|(_, bit)| *bit)
        .collect()
}

fn conditional_target(instruction: &Instruction) -> Option<u64> {
    let conditional = instruction.flow_control() == FlowControl::ConditionalBranch
        && instruction.condition_code() != ConditionCode::None;
    conditional.then(|| instruction.near_branch_target())
}

/// Whether the branch's condition holds with these flags.
pub fn condition_holds(code: ConditionCode, flags: u64) -> bool {
    let flag = |bit: u32| flags >> bit & 1 == 1;
    let (carry, parity, zero, sign, overflow) = (flag(0), flag(2), flag(6), flag(7), flag(11));
    match code {
        ConditionCode::o => overflow,
        ConditionCode::no => !overflow,
        ConditionCode::b => carry,
        ConditionCode::ae => !carry,
        ConditionCode::e => zero,
        ConditionCode::ne => !zero,
        ConditionCode::be => carry || zero,
        ConditionCode::a => !(carry || zero),
        ConditionCode::s => sign,
        ConditionCode::ns => !sign,
        ConditionCode::p => parity,
        ConditionCode::np => !parity,
        ConditionCode::l => sign != overflow,
        ConditionCode::ge => sign == overflow,
        ConditionCode::le => zero || sign != overflow,
        ConditionCode::g => !zero && sign == overflow,
        ConditionCode::None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::operands::memory_text;

    fn facts(bytes: &[u8]) -> Facts {
        Facts::decode(0x1000, bytes).unwrap()
    }

    #[test]
    fn a_store_reads_its_registers_and_writes_memory() {
        // mov [rdi+8], rax
        let facts = facts(&[0x48, 0x89, 0x47, 0x08]);
        assert_eq!(facts.text, "mov [rdi+8],rax");
        assert_eq!(facts.reads.len(), 2);
        assert!(facts.writes.is_empty() && facts.memory_reads.is_empty());
        assert_eq!(memory_text(&facts.memory_writes[0]), "[rdi+0x8]");
        assert!(matches!(
            facts.address,
            Some(AddressSource::Register(Register::RDI, false))
        ));
    }

    #[test]
    fn a_load_into_its_own_base_keeps_what_it_loaded() {
        // mov rax, [rax]
        let facts = facts(&[0x48, 0x8B, 0x00]);
        assert!(matches!(
            facts.address,
            Some(AddressSource::Register(Register::RAX, true))
        ));
    }

    #[test]
    fn an_address_that_is_also_a_value_is_left_alone() {
        // mov [rax], rax; add rax, [rax]
        assert!(facts(&[0x48, 0x89, 0x00]).address.is_none());
        assert!(facts(&[0x48, 0x03, 0x00]).address.is_none());
        // lea rax, [rax+8] accesses nothing.
        assert!(!facts(&[0x48, 0x8D, 0x40, 0x08]).admits(Model::Address));
    }

    #[test]
    fn conditions_and_flags() {
        // je +2
        let branch = facts(&[0x74, 0x02]);
        assert_eq!(
            (branch.branch, branch.flags.as_slice()),
            (Some(0x1004), &[6][..])
        );
        assert!(condition_holds(ConditionCode::e, 1 << 6));
        assert!(!condition_holds(ConditionCode::g, 1 << 6));
        // nop
        let nothing = facts(&[0x90]);
        assert!(!nothing.admits(Model::RegisterRead) && !nothing.admits(Model::Flags));
    }

    #[test]
    fn a_relative_address_is_changed_in_the_displacement() {
        // mov eax, [rip+0x10]
        let facts = facts(&[0x8B, 0x05, 0x10, 0, 0, 0]);
        assert!(matches!(
            facts.address,
            Some(AddressSource::Displacement(2))
        ));
    }
}
