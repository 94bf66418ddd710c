//! The arguments that both runs read.
//!
//! They lie in the closure that the expansion made, in the caller's frame. A run consumes a copy, so
//! they stay as they are; but a fault that changes them before the first run reads them would
//! mislead both runs alike.
//!
//! 1. [`Captured::begin`]: their checksum is taken before anything else happens.
//! 2. [`Captured::compare`]: after the second run they must still match it.
//!
//! # Invariants
//! - A1: `start` is valid for reads of `bytes` while the handler is in progress.

use core::ptr;

use crate::checksum::crc32c;
use crate::fault::{Fault, Stage};

use super::guarded::{Guarded, field};

/// The arguments of the handler in progress.
#[derive(Debug)]
pub(crate) struct Captured {
    start: *const u8,
    bytes: usize,
    checksum: Guarded<{ field::ARGUMENT_CHECKSUM }>,
}

impl Captured {
    pub(crate) const fn new() -> Self {
        Self {
            start: ptr::null(),
            bytes: 0,
            checksum: Guarded::new(0),
        }
    }

    /// Starts a handler with the arguments in `closure`.
    ///
    /// # Safety
    /// The closure is valid for reads until the handler has ended.
    pub(crate) unsafe fn begin<F>(closure: *const F) -> Self {
        let mut captured = Self::new();
        (captured.start, captured.bytes) = (closure.cast(), size_of::<F>());
        captured.checksum = Guarded::new(captured.found());
        captured
    }

    /// Demands that they are what they were.
    pub(crate) fn compare(&self) -> Result<(), Fault> {
        let (expected, found) = (self.checksum.get()?, self.found());
        if found == expected {
            return Ok(());
        }
        Err(
            Fault::new(Stage::Input, "the arguments changed while the handler ran")
                .at(self.start.addr())
                .values(expected, found),
        )
    }

    /// Where they lie.
    #[cfg(feature = "fault-points")]
    pub(crate) fn range(&self) -> (usize, usize) {
        (self.start.expose_provenance(), self.bytes)
    }

    fn found(&self) -> u64 {
        if self.bytes == 0 {
            return 0;
        }
        // SAFETY: A1.
        let bytes = unsafe { core::slice::from_raw_parts(self.start, self.bytes) };
        u64::from(crc32c(bytes))
    }
}
