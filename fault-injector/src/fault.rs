//! Strikes a stopped copy of the target.
//!
//! 1. A place is chosen among those that the instruction offers to the model, and bits of it.
//! 2. The fault is applied: before the instruction, after it, or around it with everything put
//!    back that is struck for one access or one execution only.
//! 3. The copy is left stopped; it runs on natively from there.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::failure::Result;
use crate::profile::{Piece, RequestWalk, Site};
use crate::results::Model;
use crate::tracer::{Registers, Tracee};

pub mod mask;

mod address;
mod bytes;
mod control;
mod memory;
mod registers;
mod stuck;

pub use mask::MaskKind;

/// What was struck.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Struck {
    /// The place, in words.
    pub place: String,
    /// The flipped bits, from bit 0 of the place.
    pub mask: u64,
}

impl Struck {
    /// Nothing was there to strike, such as a repeated instruction with nothing left to do.
    fn nothing() -> Self {
        Self {
            place: "nothing".to_owned(),
            mask: 0,
        }
    }
}

/// Everything a strike depends on.
#[derive(Debug)]
pub struct Strike<'a> {
    /// The model.
    pub model: Model,
    /// How many bits.
    pub mask: MaskKind,
    /// The next instruction.
    pub site: &'a Site,
    /// The registers before it.
    pub registers: Registers,
    /// The request in progress.
    pub walk: &'a RequestWalk,
    /// Every instruction of the golden walks.
    pub sites: &'a [Site],
    /// Where a request's last marker lies.
    pub end: u64,
    /// The program's text.
    pub text: Piece,
    /// This injection's random numbers.
    pub random: ChaCha8Rng,
}

impl Strike<'_> {
    /// Applies the fault to `copy`, which stands before the instruction.
    pub fn apply(mut self, copy: &mut Tracee) -> Result<Struck> {
        match self.model {
            Model::RegisterRead => self.register_read(copy),
            Model::RegisterWrite => self.register_write(copy),
            Model::VectorRegister => self.vector_register(copy),
            Model::Flags => self.flags(copy),
            Model::InstructionPointer => self.instruction_pointer(copy),
            Model::BranchInversion => self.branch_inversion(copy),
            Model::WildJump => self.wild_jump(copy),
            Model::InstructionOnce => self.instruction(copy, true),
            Model::InstructionPersistent => self.instruction(copy, false),
            Model::MemoryRead => self.memory_read(copy),
            Model::MemoryWrite => self.memory_write(copy),
            Model::Address => self.address(copy),
            Model::Heap => self.byte_of(copy, self.walk.heap, "heap"),
            Model::InputUnsealed | Model::InputSealed => {
                self.byte_of(copy, self.walk.input, "request")
            }
            Model::OutputUnsealed | Model::OutputSealed => {
                self.byte_of(copy, self.walk.reply, "reply")
            }
            Model::Stack => self.stack(copy),
            Model::RuntimeData => self.runtime_word(copy),
            Model::StuckAt => self.stuck_at(copy, false),
            Model::StuckAtMoved => self.stuck_at(copy, true),
        }
    }

    /// One of several.
    fn choose<T: Clone>(&mut self, among: &[T]) -> Option<T> {
        if among.is_empty() {
            return None;
        }
        Some(among[self.random.random_range(0..among.len())].clone())
    }
}
