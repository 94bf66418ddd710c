//! What a detected corruption is called.

use core::fmt;

/// Where in a handler's life the corruption was detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// The request did not match its checksum.
    Input,
    /// The first run did something that it must not do.
    FirstRun,
    /// State was not what it had been after the first run was rolled back.
    Rollback,
    /// The second run left the path of the first.
    SecondRun,
    /// Memory, allocations or results differ between the runs.
    Compare,
    /// The recorded effects could not be carried out as recorded.
    Commit,
    /// The reply differs between the runs or from its checksum.
    Output,
    /// State did not agree with the code that was taken of it (builds with `--integrity crc`).
    Integrity,
    /// A stage was skipped or repeated.
    ControlFlow,
    /// The runtime's own bookkeeping is damaged.
    Runtime,
    /// Protected memory was about to be written outside of handlers (page mode).
    StrayWrite,
}

impl Stage {
    /// Every stage, in the order of a handler's life.
    pub const ALL: [Self; 11] = [
        Self::Input,
        Self::FirstRun,
        Self::Rollback,
        Self::SecondRun,
        Self::Compare,
        Self::Commit,
        Self::Output,
        Self::Integrity,
        Self::ControlFlow,
        Self::Runtime,
        Self::StrayWrite,
    ];

    /// The name used in incidents.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Input => "input",
            Stage::FirstRun => "first_run",
            Stage::Rollback => "rollback",
            Stage::SecondRun => "second_run",
            Stage::Compare => "compare",
            Stage::Commit => "commit",
            Stage::Output => "output",
            Stage::Integrity => "integrity",
            Stage::ControlFlow => "control_flow",
            Stage::Runtime => "runtime",
            Stage::StrayWrite => "stray_write",
        }
    }
}

/// One detected corruption: the stage, what was expected there and what was found.
///
/// For differences in memory, `address` is the first byte of the word or range, and the values are
/// its contents (of a range, the 8 bytes from the first difference on). Where no address applies it
/// is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// Where it was detected.
    pub stage: Stage,
    /// What is wrong, in words.
    pub reason: &'static str,
    /// The address concerned, or 0.
    pub address: usize,
    /// What the redundant copy says.
    pub expected: u64,
    /// What was found instead.
    pub found: u64,
}

#[cfg_attr(not(asc), allow(dead_code, reason = "for the engines"))]
impl Fault {
    pub(crate) const fn new(stage: Stage, reason: &'static str) -> Self {
        Self {
            stage,
            reason,
            address: 0,
            expected: 0,
            found: 0,
        }
    }

    pub(crate) const fn at(mut self, address: usize) -> Self {
        self.address = address;
        self
    }

    pub(crate) const fn values(mut self, expected: u64, found: u64) -> Self {
        self.expected = expected;
        self.found = found;
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.stage.name(), self.reason)?;
        if self.address != 0 {
            write!(formatter, " at {:#x}", self.address)?;
        }
        write!(
            formatter,
            " (expected {:#x}, found {:#x})",
            self.expected, self.found
        )
    }
}

impl core::error::Error for Fault {}
