//! What the body returns, on its way to the caller.
//!
//! Both runs leave the result in one slot at the top of the handler's own stack. Each run's is copied
//! away; the second run's goes to the caller, if it equals the first's.
//!
//! # Invariants
//! - R1: `bytes <= RESULT_BYTES_MAX`, and the caller's place has that many.
//! - R2: the slot lies at [`address`], between the link and the top of the handler's stack.

use core::ptr;

use crate::fault::{Fault, Stage};

use super::guarded::{Guarded, field};
use super::memory::{Difference, first_difference, forget_memory};
use super::sys::{BODY_LINK_BYTES, own_words};

/// Larger results are written to the caller's frame, of which there are copies.
pub(crate) const RESULT_BYTES_MAX: usize = 256;
/// A slot is aligned like the stack.
pub(crate) const RESULT_ALIGNMENT_MAX: usize = 16;
/// From the base of a handler's stack to its top: a multiple of 64.
pub(crate) const BASE_BYTES: usize = (BODY_LINK_BYTES + RESULT_BYTES_MAX).next_multiple_of(64);

/// The first run's result.
#[derive(Debug)]
pub(crate) struct ResultSlot {
    bytes: Guarded<{ field::RESULT_BYTES }>,
    first: [u64; RESULT_BYTES_MAX / 8],
}

impl ResultSlot {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: Guarded::new(0),
            first: [0; RESULT_BYTES_MAX / 8],
        }
    }

    /// Starts a handler whose result has `bytes` bytes.
    pub(crate) const fn begin(&mut self, bytes: usize) {
        self.bytes = Guarded::new(bytes as u64);
    }

    /// Keeps what the first run left in the slot.
    pub(crate) fn capture(&mut self) -> Result<(), Fault> {
        let bytes = self.bytes.get()? as usize;
        forget_memory();
        // SAFETY: R1, R2; the slot is the runtime's between the runs.
        unsafe { ptr::copy_nonoverlapping(slot(), self.first.as_mut_ptr().cast(), bytes) };
        Ok(())
    }

    /// Copies the second run's result to the caller and demands that it equals the first's. `target` is asked
    /// once for each: a result that went elsewhere is not found where it belongs.
    ///
    /// # Safety
    /// `target` is valid for reads and writes of the bytes that were announced to `begin`.
    pub(crate) unsafe fn deliver(&self, target: impl Fn() -> *mut u8) -> Result<(), Fault> {
        let bytes = self.bytes.get()? as usize;
        // SAFETY: R1 and R2 for the source, the contract for the target.
        unsafe { ptr::copy_nonoverlapping(slot(), target(), bytes) };
        forget_memory();
        let target = target();
        // SAFETY: R1, and by contract.
        match unsafe { first_difference(self.first.as_ptr().cast(), target, bytes) } {
            None => Ok(()),
            Some(Difference {
                offset,
                expected,
                found,
            }) => Err(
                Fault::new(Stage::Compare, "the runs return different values")
                    .at(target.addr() + offset)
                    .values(expected, found),
            ),
        }
    }
}

/// Where the slot of the run in progress begins.
pub(crate) fn address() -> usize {
    own_words().base + BODY_LINK_BYTES
}

fn slot() -> *mut u8 {
    ptr::with_exposed_provenance_mut(address())
}
