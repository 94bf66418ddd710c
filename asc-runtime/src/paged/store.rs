//! What the instruction is about to do that faulted in a handler.
//!
//! The fault names an address; how many bytes are written there, and whether by an atomic operation and
//! with which operands, the instruction itself says.

use iced_x86::{Code, Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};

use super::surroundings::{Kind, Store};
use super::sys::PAGE_BYTES;
use super::sys::frame::Frame;

/// Longest instruction of the processor.
const INSTRUCTION_BYTES_MAX: usize = 15;
/// Longest store of one that says nothing of its length, and of any that is not repeated.
const STORE_BYTES_MAX: usize = 64;
/// The direction flag: strings are walked downwards.
const DOWNWARDS: i64 = 1 << 10;

/// How a faulting instruction is let through.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Action {
    /// The processor executes it, alone.
    Step {
        store: Store,
        /// Index of the register in which it returns the old value, and its width.
        returns: Option<(i32, usize)>,
    },
    /// A string instruction, as far as its page goes, is carried out in its place.
    Repeat(Repeat),
}

/// The rest of a `rep movs` or `rep stos`, or a part of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Repeat {
    pub(crate) store: Store,
    /// Bytes of one repetition.
    pub(crate) element: usize,
    pub(crate) copies: bool,
    /// Bytes of the instruction.
    pub(crate) instruction: usize,
}

/// The decoder makes its tables at its first use, on the heap: not in a signal handler.
pub(crate) fn prepare() {
    let nop = [0x90];
    core::hint::black_box(Decoder::with_ip(64, &nop, 0, DecoderOptions::NONE).decode());
}

/// Decodes the instruction at which a frame stands. `None` when it is none that stores.
/// Async-signal-safe.
pub(crate) fn faulting(frame: &Frame) -> Option<Action> {
    let pointer = frame.register(libc::REG_RIP) as usize;
    let instruction = instruction_at(pointer)?;
    if let Some(repeat) = repeat(&instruction, frame) {
        return Some(Action::Repeat(repeat));
    }
    let size = instruction.memory_size().size();
    let address = frame.address();
    let is_atomic = instruction.has_lock_prefix() || instruction.mnemonic() == Mnemonic::Xchg;
    if is_atomic && size <= 8 && size.is_power_of_two() && address.is_multiple_of(size) {
        return Some(atomic(&instruction, frame, size));
    }
    let length = if size == 0 || size > STORE_BYTES_MAX {
        STORE_BYTES_MAX.min(PAGE_BYTES - address % PAGE_BYTES)
    } else {
        size
    };
    let store = Store {
        address,
        length,
        kind: Kind::Plain,
        operation: 0,
        operands: [0; 2],
    };
    Some(Action::Step {
        store,
        returns: None,
    })
}

fn instruction_at(pointer: usize) -> Option<Instruction> {
    let on_page = PAGE_BYTES - pointer % PAGE_BYTES;
    [on_page.min(INSTRUCTION_BYTES_MAX), INSTRUCTION_BYTES_MAX]
        .into_iter()
        .find_map(|length| {
            let start = core::ptr::with_exposed_provenance::<u8>(pointer);
            // SAFETY: the processor has just read the instruction there; the second attempt is made
            // only when it goes on to the next page.
            let bytes = unsafe { core::slice::from_raw_parts(start, length) };
            let options = DecoderOptions::NONE;
            let instruction = Decoder::with_ip(64, bytes, pointer as u64, options).decode();
            (!instruction.is_invalid()).then_some(instruction)
        })
}

/// A string instruction that walks upwards.
fn repeat(instruction: &Instruction, frame: &Frame) -> Option<Repeat> {
    let (element, copies) = match instruction.mnemonic() {
        Mnemonic::Movsb => (1, true),
        Mnemonic::Movsw => (2, true),
        Mnemonic::Movsd if instruction.is_string_instruction() => (4, true),
        Mnemonic::Movsq => (8, true),
        Mnemonic::Stosb => (1, false),
        Mnemonic::Stosw => (2, false),
        Mnemonic::Stosd => (4, false),
        Mnemonic::Stosq => (8, false),
        _ => return None,
    };
    let repeats = instruction.has_rep_prefix() || instruction.has_repne_prefix();
    let is_plain = instruction.segment_prefix() == Register::None
        && frame.register(libc::REG_EFL) & DOWNWARDS == 0;
    let address = frame.register(libc::REG_RDI) as usize;
    let count = frame.register(libc::REG_RCX) as usize;
    let on_page = (PAGE_BYTES - address % PAGE_BYTES) / element;
    if !repeats || !is_plain || count.min(on_page) == 0 || address != frame.address() {
        return None;
    }
    let length = count.min(on_page) * element;
    Some(Repeat {
        store: Store {
            address,
            length,
            kind: Kind::Plain,
            operation: 0,
            operands: [0; 2],
        },
        element,
        copies,
        instruction: instruction.len(),
    })
}

fn atomic(instruction: &Instruction, frame: &Frame, size: usize) -> Action {
    let register = (0..instruction.op_count())
        .filter(|&index| instruction.op_kind(index) == OpKind::Register)
        .map(|index| instruction.op_register(index))
        .next();
    let operand = match register {
        Some(register) => truncated(register_value(frame, register), size),
        None if instruction.op_count() > 1 => truncated(instruction.immediate(1), size),
        None => 0,
    };
    let (kind, operand, expected, returns) = match instruction.mnemonic() {
        Mnemonic::Add => (Kind::Add, operand, 0, None),
        Mnemonic::Sub => (Kind::Add, operand.wrapping_neg(), 0, None),
        Mnemonic::Inc => (Kind::Add, 1, 0, None),
        Mnemonic::Dec => (Kind::Add, 1_u64.wrapping_neg(), 0, None),
        Mnemonic::Xadd => (Kind::Add, operand, 0, register),
        Mnemonic::Xchg => (Kind::Swap, operand, 0, register),
        Mnemonic::Cmpxchg => {
            let expected = truncated(frame.register(libc::REG_RAX) as u64, size);
            (Kind::Swap, operand, expected, None)
        }
        _ => (Kind::Swap, operand, 0, None),
    };
    let store = Store {
        address: frame.address(),
        length: size,
        kind,
        operation: instruction.code() as Code as u64,
        operands: [truncated(operand, size), expected],
    };
    let returns = returns
        .filter(|register| !is_high_byte(*register))
        .and_then(index_of)
        .map(|index| (index, size));
    Action::Step { store, returns }
}

/// The lowest `size` bytes.
pub(crate) const fn truncated(value: u64, size: usize) -> u64 {
    if size >= 8 {
        value
    } else {
        value & ((1 << (8 * size)) - 1)
    }
}

fn register_value(frame: &Frame, register: Register) -> u64 {
    let value = index_of(register).map_or(0, |index| frame.register(index) as u64);
    if is_high_byte(register) {
        value >> 8
    } else {
        value
    }
}

fn is_high_byte(register: Register) -> bool {
    matches!(
        register,
        Register::AH | Register::BH | Register::CH | Register::DH
    )
}

/// Where a signal frame keeps a register.
fn index_of(register: Register) -> Option<i32> {
    Some(match register.full_register() {
        Register::RAX => libc::REG_RAX,
        Register::RBX => libc::REG_RBX,
        Register::RCX => libc::REG_RCX,
        Register::RDX => libc::REG_RDX,
        Register::RSI => libc::REG_RSI,
        Register::RDI => libc::REG_RDI,
        Register::RBP => libc::REG_RBP,
        Register::RSP => libc::REG_RSP,
        Register::R8 => libc::REG_R8,
        Register::R9 => libc::REG_R9,
        Register::R10 => libc::REG_R10,
        Register::R11 => libc::REG_R11,
        Register::R12 => libc::REG_R12,
        Register::R13 => libc::REG_R13,
        Register::R14 => libc::REG_R14,
        Register::R15 => libc::REG_R15,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> Instruction {
        Decoder::with_ip(64, bytes, 0x1000, DecoderOptions::NONE).decode()
    }

    #[test]
    fn widths_and_locks_are_what_the_instruction_says() {
        let size = |bytes: &[u8]| decoded(bytes).memory_size().size();
        assert_eq!(size(&[0x88, 0x07]), 1); // mov [rdi], al
        assert_eq!(size(&[0x66, 0x89, 0x07]), 2); // mov [rdi], ax
        assert_eq!(size(&[0x48, 0x89, 0x07]), 8); // mov [rdi], rax
        assert_eq!(size(&[0x0f, 0x11, 0x07]), 16); // movups [rdi], xmm0
        assert_eq!(size(&[0xc5, 0xfc, 0x11, 0x07]), 32); // vmovups [rdi], ymm0
        let locked = decoded(&[0xf0, 0x48, 0x0f, 0xc1, 0x07]); // lock xadd [rdi], rax
        assert!(locked.has_lock_prefix());
        assert_eq!(
            (locked.mnemonic(), locked.op_register(1)),
            (Mnemonic::Xadd, Register::RAX)
        );
        let exchange = decoded(&[0x87, 0x07]); // xchg [rdi], eax
        assert_eq!(exchange.mnemonic(), Mnemonic::Xchg);
        assert!((0..2).any(|index| exchange.op_register(index) == Register::EAX));
    }

    #[test]
    fn values_are_cut_to_the_width() {
        assert_eq!(truncated(u64::MAX, 1), 0xff);
        assert_eq!(truncated(u64::MAX, 4), 0xffff_ffff);
        assert_eq!(truncated(u64::MAX, 8), u64::MAX);
    }
}
