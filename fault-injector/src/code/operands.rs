//! Registers and memory as operands.

use iced_x86::{Register, UsedMemory};

use crate::tracer::Registers;

/// A part of a general-purpose register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The register as the instruction names it.
    pub register: Register,
    /// Its lowest bit within the 64-bit register.
    pub shift: u32,
    /// Its bits.
    pub bits: u32,
}

impl Part {
    /// The part that a general-purpose register's name stands for.
    pub fn of(register: Register) -> Option<Self> {
        if !register.is_gpr() {
            return None;
        }
        let high = matches!(
            register,
            Register::AH | Register::BH | Register::CH | Register::DH
        );
        Some(Self {
            register,
            shift: if high { 8 } else { 0 },
            bits: register.size() as u32 * 8,
        })
    }
}

/// A vector register as an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vector {
    /// The register as the instruction names it.
    pub register: Register,
    /// Its number.
    pub number: usize,
    /// Its 64-bit lanes.
    pub lanes: usize,
}

impl Vector {
    /// The vector register, if it is one.
    pub fn of(register: Register) -> Option<Self> {
        register.is_vector_register().then(|| Self {
            register,
            number: register.number(),
            lanes: register.size() / 8,
        })
    }
}

/// A register's place among the saved ones.
pub fn slot(registers: &mut Registers, register: Register) -> Option<&mut u64> {
    Some(match register.full_register() {
        Register::RAX => &mut registers.rax,
        Register::RCX => &mut registers.rcx,
        Register::RDX => &mut registers.rdx,
        Register::RBX => &mut registers.rbx,
        Register::RSP => &mut registers.rsp,
        Register::RBP => &mut registers.rbp,
        Register::RSI => &mut registers.rsi,
        Register::RDI => &mut registers.rdi,
        Register::R8 => &mut registers.r8,
        Register::R9 => &mut registers.r9,
        Register::R10 => &mut registers.r10,
        Register::R11 => &mut registers.r11,
        Register::R12 => &mut registers.r12,
        Register::R13 => &mut registers.r13,
        Register::R14 => &mut registers.r14,
        Register::R15 => &mut registers.r15,
        _ => return None,
    })
}

/// A register's value, as addresses are computed with it.
pub fn value(registers: &Registers, register: Register) -> Option<u64> {
    match register {
        Register::FS => return Some(registers.fs_base),
        Register::GS => return Some(registers.gs_base),
        Register::CS | Register::DS | Register::ES | Register::SS => return Some(0),
        _ => {}
    }
    let mut copy = *registers;
    let full = *slot(&mut copy, register)?;
    let part = Part::of(register)?;
    let mask = u64::MAX >> (64 - part.bits);
    Some(full >> part.shift & mask)
}

/// The address of a memory operand.
pub fn address(registers: &Registers, memory: &UsedMemory) -> Option<u64> {
    memory.virtual_address(0, |register, _, _| value(registers, register))
}

/// A memory operand in words, such as `[rdi+rax*4+0x8]`.
pub fn memory_text(memory: &UsedMemory) -> String {
    let mut text = String::from("[");
    if matches!(memory.segment(), Register::FS | Register::GS) {
        text = format!("{:?}:[", memory.segment()).to_lowercase();
    }
    let mut separator = "";
    if memory.base() != Register::None {
        text += &format!("{:?}", memory.base()).to_lowercase();
        separator = "+";
    }
    if memory.index() != Register::None {
        let index = format!("{:?}", memory.index()).to_lowercase();
        text += &format!("{separator}{index}*{}", memory.scale());
        separator = "+";
    }
    let displacement = memory.displacement() as i64;
    match displacement {
        0 if !separator.is_empty() => {}
        ..0 if !separator.is_empty() => text += &format!("-{:#x}", displacement.unsigned_abs()),
        _ => text += &format!("{separator}{displacement:#x}"),
    }
    text + "]"
}

/// A register's name.
pub fn name(register: Register) -> String {
    format!("{register:?}").to_lowercase()
}
