//! What a campaign writes down: one header, then one record per injection, as JSON Lines.
//!
//! Everything in it follows from the binary, the trace and the seed, so that two campaigns with the
//! same three are equal byte by byte, however many workers ran them.

use serde::{Deserialize, Serialize};

pub use crate::fault::MaskKind;

/// Version of the format.
pub const SCHEMA: u32 = 1;

/// The first line: what was struck, how, and how large the fault space is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The target's name, such as `cache`.
    pub target: String,
    /// `plain`, `hardened` or `crc`.
    pub build: String,
    /// How it was struck.
    #[serde(default)]
    pub backend: Backend,
    /// CRC32C of the target's executable file.
    pub binary_crc: u32,
    /// `uname -r`.
    pub kernel: String,
    /// The processor's model name.
    pub cpu: String,
    /// Seed of the plan.
    pub seed: u64,
    /// How many bits each fault flips.
    #[serde(default)]
    pub mask: MaskKind,
    /// The policy of the target's runtime (`retry(3)`, say), if it was not the target's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_fault: Option<String>,
    /// CRC32C of the trace file.
    pub trace_crc: u32,
    /// Requests in the trace that are struck.
    pub requests: u32,
    /// The way from fault to detection is counted in instructions for each of so many injections;
    /// for none if 0.
    #[serde(default)]
    pub latency_every: u64,
    /// Dynamic instructions of all struck requests together, from marker to marker.
    pub instructions: u64,
    /// Injections planned.
    pub injections: u64,
    /// The strata, each with the number of faults it holds.
    pub fault_space: Vec<Stratum>,
}

/// How targets are struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// A copy of one thread that answers recorded requests: everything follows from the seed.
    #[default]
    Replay,
    /// A server under load: injections are drawn uniformly over all strata together, whose sizes
    /// are estimates, and `requests` are the calls that were surveyed for them.
    Live,
}

/// Faults of one model in one zone of the code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stratum {
    /// The fault model.
    pub model: Model,
    /// Where the struck instruction lies.
    pub zone: Zone,
    /// Places: pairs of (request, dynamic instruction) where the model applies.
    pub points: u64,
    /// Injections planned in this stratum.
    pub injections: u64,
}

/// What is struck and how. Names in files and options are those of [`Model::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// A general-purpose register an instruction is about to read.
    RegisterRead,
    /// A general-purpose register an instruction has just written.
    RegisterWrite,
    /// A vector register an instruction reads or has written.
    VectorRegister,
    /// A flag that the next instruction uses.
    Flags,
    /// One bit of the instruction pointer.
    InstructionPointer,
    /// A conditional branch goes the other way.
    BranchInversion,
    /// A jump to a random place in the program's text.
    WildJump,
    /// A bit of an instruction's bytes, for one execution.
    InstructionOnce,
    /// A bit of an instruction's bytes, for good.
    InstructionPersistent,
    /// A value read from memory, for one read.
    MemoryRead,
    /// A value just written to memory.
    MemoryWrite,
    /// The address of one memory access.
    Address,
    /// State on the heap, at rest before the handler begins.
    Heap,
    /// A byte of the live stack.
    Stack,
    /// A request before it was sealed with its checksum.
    InputUnsealed,
    /// A request after it was sealed.
    InputSealed,
    /// A reply's bytes before the seal.
    OutputUnsealed,
    /// A reply's bytes after the seal, on their way out.
    OutputSealed,
    /// The runtime's own data: logs, records, counters, thread words.
    RuntimeData,
    /// One bit of one instruction class's results is stuck on one core, for a number of handlers.
    StuckAt,
    /// The same fault, while the system moves the target to another core in the middle of each handler.
    StuckAtMoved,
}

/// Where the struck instruction lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Zone {
    /// The handler and what it calls, the standard library included.
    Application,
    /// The hardening runtime: hooks, log, comparison, commit, checksums.
    Runtime,
    /// The C library and the loader.
    Libc,
    /// Code around the handlers, whoever's but the runtime's: it runs once and unprotected. Known
    /// where the target calls handlers made with `#[asc_handler]`.
    Outside,
}

impl Zone {
    /// The zone of the same code, executed inside of a handler or not.
    #[must_use]
    pub const fn around(self, inside: bool) -> Self {
        match self {
            Self::Application | Self::Libc if !inside => Self::Outside,
            zone => zone,
        }
    }
}

/// What came of an injection. Judged in the order of the variants' priority: a wrong message that
/// left with a valid checksum is [`Outcome::Sdc`] whatever happened afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A wrong reply left with a valid checksum.
    Sdc,
    /// A wrong reply left, but its checksum tells the receiver.
    CaughtAtReceiver,
    /// The process died by a signal or with an unexpected exit status.
    Crashed,
    /// The process did not finish, with the longer limit either.
    Hung,
    /// The runtime saw it.
    Detected,
    /// All replies were right, but the final state is wrong.
    LatentSdc,
    /// The runtime saw it, corrected it and went on with the right state.
    Corrected,
    /// No effect.
    Masked,
}

/// One injection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Number within the campaign, from 0.
    pub id: u64,
    /// Index of the struck request in the trace.
    pub request: u32,
    /// Dynamic instruction within the request, from 0.
    pub instruction: u64,
    /// The fault model.
    pub model: Model,
    /// Zone of the struck instruction.
    pub zone: Zone,
    /// Address of the struck instruction, relative to its object.
    pub address: u64,
    /// Function with offset, such as `shard::get+0x1f`.
    pub symbol: String,
    /// `file:line`, empty when debug information has none.
    pub line: String,
    /// The instruction, disassembled.
    pub text: String,
    /// What was struck: `rax`, `[rdi+8]`, `zf`, ...
    pub place: String,
    /// The bits that were flipped, from bit 0 of the place.
    pub mask: u64,
    /// What came of it.
    pub outcome: Outcome,
    /// The runtime's stage, the signal's name, or what differed.
    pub detail: String,
    /// Requests that were answered between the struck one and the outcome.
    pub requests_later: u32,
    /// Instructions from the fault until the runtime had seen it, where they were counted; at most
    /// [`INSTRUCTIONS_MAX`](crate::latency::INSTRUCTIONS_MAX).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions_later: Option<u64>,
}

impl Model {
    /// All models, in the order of the reports.
    pub const ALL: [Self; 21] = [
        Self::RegisterRead,
        Self::RegisterWrite,
        Self::VectorRegister,
        Self::Flags,
        Self::InstructionPointer,
        Self::BranchInversion,
        Self::WildJump,
        Self::InstructionOnce,
        Self::InstructionPersistent,
        Self::MemoryRead,
        Self::MemoryWrite,
        Self::Address,
        Self::Heap,
        Self::Stack,
        Self::InputUnsealed,
        Self::InputSealed,
        Self::OutputUnsealed,
        Self::OutputSealed,
        Self::RuntimeData,
        Self::StuckAt,
        Self::StuckAtMoved,
    ];

    /// Whether a fault of this model strikes one instruction, so that it matters whose it is.
    pub const fn strikes_one_instruction(self) -> bool {
        !matches!(
            self,
            Self::Heap
                | Self::Stack
                | Self::InputUnsealed
                | Self::InputSealed
                | Self::OutputUnsealed
                | Self::OutputSealed
                | Self::RuntimeData
                | Self::StuckAt
                | Self::StuckAtMoved
        )
    }

    /// Its name in files and options.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RegisterRead => "register-read",
            Self::RegisterWrite => "register-write",
            Self::VectorRegister => "vector-register",
            Self::Flags => "flags",
            Self::InstructionPointer => "instruction-pointer",
            Self::BranchInversion => "branch-inversion",
            Self::WildJump => "wild-jump",
            Self::InstructionOnce => "instruction-once",
            Self::InstructionPersistent => "instruction-persistent",
            Self::MemoryRead => "memory-read",
            Self::MemoryWrite => "memory-write",
            Self::Address => "address",
            Self::Heap => "heap",
            Self::Stack => "stack",
            Self::InputUnsealed => "input-unsealed",
            Self::InputSealed => "input-sealed",
            Self::OutputUnsealed => "output-unsealed",
            Self::OutputSealed => "output-sealed",
            Self::RuntimeData => "runtime-data",
            Self::StuckAt => "stuck-at",
            Self::StuckAtMoved => "stuck-at-moved",
        }
    }
}
