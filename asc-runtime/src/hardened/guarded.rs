//! A value on which a decision hangs, kept with its complement.

use crate::fault::{Fault, Stage};

/// A word stored twice, once inverted; a flipped bit in either copy is seen when it is used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guarded {
    value: u64,
    complement: u64,
}

impl Guarded {
    pub(crate) const fn new(value: u64) -> Self {
        Self {
            value,
            complement: !value,
        }
    }

    /// The value, if both copies agree.
    ///
    /// Volatile, so that the compiler cannot derive one copy from the other.
    pub(crate) fn get(&self) -> Result<u64, Fault> {
        // SAFETY: reads of a live reference.
        let value = unsafe { (&raw const self.value).read_volatile() };
        // SAFETY: as above.
        let complement = unsafe { (&raw const self.complement).read_volatile() };
        if value == !complement {
            Ok(value)
        } else {
            Err(Fault::new(
                Stage::Runtime,
                "a bookkeeping word and its complement differ",
            )
            .values(!complement, value))
        }
    }
}
