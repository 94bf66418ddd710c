//! The messages that a handler has read, checked once more behind both runs.
//!
//! Each run verifies a message before it gets the bytes. This check tells a damaged message from
//! other differences, and sees one that was hit after its last use: it may be repeated to others.
//!
//! # Invariants
//! - U1: the bytes of an input that was sealed outside of handlers stay borrowed until the handler
//!   that got it has ended.

use core::ptr;

use crate::fault::Fault;
use crate::input::verify::verify;

/// How many different messages of one handler are checked again: the latest.
const INPUTS_MAX: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Used {
    bytes: *const u8,
    length: usize,
    checksum: u32,
}

const NONE: Used = Used {
    bytes: ptr::null(),
    length: 0,
    checksum: 0,
};

/// The messages of the run in progress.
#[derive(Debug)]
pub(crate) struct UsedInputs {
    inputs: [Used; INPUTS_MAX],
    count: usize,
}

impl UsedInputs {
    pub(crate) const fn new() -> Self {
        Self {
            inputs: [NONE; INPUTS_MAX],
            count: 0,
        }
    }

    pub(crate) const fn start_run(&mut self) {
        self.count = 0;
    }

    /// Notes a message whose bytes the run has just got (U1).
    pub(crate) fn add(&mut self, bytes: *const u8, length: usize, checksum: u32) {
        let used = Used {
            bytes,
            length,
            checksum,
        };
        if !self.kept().contains(&used) {
            self.inputs[self.count % INPUTS_MAX] = used;
            self.count += 1;
        }
    }

    /// Demands that they still match their checksums.
    pub(crate) fn compare(&self) -> Result<(), Fault> {
        self.kept().iter().try_for_each(|used| {
            // SAFETY: U1.
            unsafe { verify(used.bytes, used.length, used.checksum) }
        })
    }

    fn kept(&self) -> &[Used] {
        &self.inputs[..self.count.min(INPUTS_MAX)]
    }
}
