//! A value on which a decision hangs, kept with its complement.
//!
//! The complement carries the field's name as well: a read through a pointer that is off by a field
//! finds a whole pair, but not that of the field it was looking for.

use crate::fault::{Fault, Stage};

/// The fields that are kept so.
pub(crate) mod field {
    pub(crate) const LOG_COUNT: u64 = 1;
    pub(crate) const LOG_NEW_SUM: u64 = 2;
    pub(crate) const LOG_OLD_SUM: u64 = 3;
    pub(crate) const EVENT_COUNT: u64 = 4;
    pub(crate) const OUTPUT_COMMITTED: u64 = 5;
    pub(crate) const OUTPUT_CHECKSUM: u64 = 6;
    pub(crate) const OUTPUT_RECORDED: u64 = 7;
    pub(crate) const OUTPUT_OPENED: u64 = 8;
    pub(crate) const OUTPUT_COUNT: u64 = 9;
    pub(crate) const RESULT_BYTES: u64 = 10;
    pub(crate) const ARGUMENT_CHECKSUM: u64 = 11;
}

/// Makes fields differ in many bits.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// A word stored twice, once inverted and marked with its [`field`]; a flipped bit in either copy is
/// seen when it is used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guarded<const FIELD: u64> {
    value: u64,
    complement: u64,
}

impl<const FIELD: u64> Guarded<FIELD> {
    pub(crate) const fn new(value: u64) -> Self {
        Self {
            value,
            complement: !value ^ FIELD.wrapping_mul(SPREAD),
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
        let expected = !complement ^ FIELD.wrapping_mul(SPREAD);
        if value == expected {
            Ok(value)
        } else {
            Err(Fault::new(
                Stage::Runtime,
                "a bookkeeping word and its complement differ",
            )
            .values(expected, value))
        }
    }
}
