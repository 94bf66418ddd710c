//! What the body returns, on its way to the caller.
//!
//! Both runs leave the result in one slot at the top of the handler's own stack, where stores are
//! not logged: there is no old value to bring back.
//!
//! 1. [`ResultSlot::begin`]: the size of the result is noted; the slot is zeroed before each run.
//! 2. Each run's result is copied away, to a place of its own, by the code that called the body:
//!    once that has left the stack, a signal handler may write there.
//! 3. [`ResultSlot::deliver`]: the second run's result is copied to the caller, and what lies there
//!    then must equal the first run's.
//!
//! # Invariants
//! - R1: `bytes <= RESULT_BYTES_MAX`, and the caller's place has that many.
//! - R2: while a body runs, its slot lies at [`address`], inside the stack that
//!   [`run_body`](super::sys::run_body) sets aside for it.

use core::ptr;

use crate::fault::{Fault, Stage};

use super::guarded::{Guarded, field};
use super::memory::{Difference, first_difference, forget_memory};
use super::sys::{BODY_LINK_BYTES, ThreadWords};
use super::undo_log::own_words;

/// Larger results are written to the caller's frame and logged like any other store.
pub(crate) const RESULT_BYTES_MAX: usize = 256;
/// A slot is aligned like the stack.
pub(crate) const RESULT_ALIGNMENT_MAX: usize = 16;

type Words = [u64; RESULT_BYTES_MAX / 8];

/// The results of both runs.
#[derive(Debug)]
pub(crate) struct ResultSlot {
    bytes: Guarded<{ field::RESULT_BYTES }>,
    first: Words,
    second: Words,
}

impl ResultSlot {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: Guarded::new(0),
            first: [0; RESULT_BYTES_MAX / 8],
            second: [0; RESULT_BYTES_MAX / 8],
        }
    }

    /// Starts a handler whose result has `bytes` bytes; its stack ends at `words.entry`.
    pub(crate) const fn begin(&mut self, words: &mut ThreadWords, bytes: usize) {
        self.bytes = Guarded::new(bytes as u64);
        words.base = words.entry - stack_bytes(bytes);
        words.result_words = bytes.div_ceil(8);
    }

    /// Says where the result of a run belongs.
    pub(crate) const fn start_run(&mut self, words: &mut ThreadWords, run: u32) {
        words.result = if run == 1 {
            self.first.as_mut_ptr()
        } else {
            self.second.as_mut_ptr()
        };
    }

    /// Copies the second run's result to the caller and demands that it equals the first's. `target` is asked
    /// once for each: a result that went elsewhere is not found where it belongs.
    ///
    /// # Safety
    /// `target` is valid for reads and writes of the bytes that were announced to `begin`.
    pub(crate) unsafe fn deliver(&self, target: impl Fn() -> *mut u8) -> Result<(), Fault> {
        let bytes = self.bytes.get()? as usize;
        let (first, second) = (self.first.as_ptr().cast(), self.second.as_ptr().cast());
        // SAFETY: R1 for the source, the contract for the target.
        unsafe { ptr::copy_nonoverlapping(second, target(), bytes) };
        forget_memory();
        let target = target();
        // SAFETY: R1, and by contract.
        match unsafe { first_difference(first, target, bytes) } {
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

/// Bytes of stack above the body's first frame: the way back and the slot. A multiple of 64.
const fn stack_bytes(result_bytes: usize) -> usize {
    (BODY_LINK_BYTES + result_bytes).next_multiple_of(64)
}
