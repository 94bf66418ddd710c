//! Fault models by what they say about the hardening, since one rate over all of them says nothing.

use crate::results::Model;
use serde::{Deserialize, Serialize};

/// Models that are judged together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// One wrong value, flag, address, instruction or step while a handler runs.
    Transient,
    /// The hardening runtime's own data.
    Runtime,
    /// A message on its way in or out.
    Message,
    /// Memory that rots between its uses.
    Memory,
    /// A defect that stays.
    Permanent,
}

impl Group {
    /// All groups, in the order of the reports. The first that a campaign has is its headline.
    pub const ALL: [Self; 5] = [
        Self::Transient,
        Self::Runtime,
        Self::Message,
        Self::Memory,
        Self::Permanent,
    ];

    /// The group of a model.
    pub const fn of(model: Model) -> Self {
        match model {
            Model::RegisterRead
            | Model::RegisterWrite
            | Model::VectorRegister
            | Model::Flags
            | Model::InstructionPointer
            | Model::BranchInversion
            | Model::WildJump
            | Model::InstructionOnce
            | Model::MemoryRead
            | Model::MemoryWrite
            | Model::Address => Self::Transient,
            Model::RuntimeData => Self::Runtime,
            Model::InputUnsealed
            | Model::InputSealed
            | Model::OutputUnsealed
            | Model::OutputSealed => Self::Message,
            Model::Heap | Model::Stack => Self::Memory,
            Model::InstructionPersistent | Model::StuckAt | Model::StuckAtMoved => Self::Permanent,
        }
    }

    /// Whether its faults belong to the instruction at which they strike. A byte of the heap or of a
    /// message rots wherever the processor is at that moment.
    pub const fn strikes_instruction(self) -> bool {
        matches!(self, Self::Transient | Self::Permanent)
    }

    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Runtime => "runtime",
            Self::Message => "message",
            Self::Memory => "memory",
            Self::Permanent => "permanent",
        }
    }

    /// What it holds, in words.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Transient => {
                "transient faults in registers, flags, addresses, memory values and control flow"
            }
            Self::Runtime => "faults in the hardening runtime's own data",
            Self::Message => "faults in messages before and after their checksum",
            Self::Memory => "faults in memory at rest: heap and stack",
            Self::Permanent => "permanent faults: stuck bits and persistent text",
        }
    }
}
