//! Line codes: a CRC32C for each line of memory, for machines whose memory has no ECC.
//!
//! The code of a line is the CRC32C of its bytes. Three properties of it are used:
//!
//! 1. *It is linear.* A store changes the code by an amount that follows from the old word, the new
//!    word and the place alone ([`LineCode::change`]), so the line is not read again, and a bit that
//!    had rotted elsewhere in it stays visible: a recomputed code would seal it in. Changes are
//!    combined by exclusive or, in any order, so threads that write different words of one line may
//!    apply theirs to the stored code by `fetch_xor`.
//! 2. *Its distance.* Two lines of up to [`CORRECTABLE_BYTES_MAX`] bytes with valid codes differ in at
//!    least 6 bits, code bits included (proven by a test over all pairs of bits). So up to 5 flipped
//!    bits are detected; and a line whose mismatch looks like one flipped bit has that one, or at least
//!    five. In longer lines, up to 4 KiB, the distance is 4: up to 3 flipped bits are detected, but
//!    three can look like one, so nothing is corrected there.
//! 3. *A single flipped bit is located* by its mismatch, which is different for every bit
//!    ([`LineCode::examine`]).
//!
//! | line | memory for codes | detects | corrects |
//! |---|---|---|---|
//! | 64 B | 6.25 % | 5 bits, or 4 and corrects 1 | 1 bit |
//! | 128 B to 512 B | 3.1 % to 0.8 % | the same | 1 bit |
//! | 1 KiB to 4 KiB | 0.4 % to 0.1 % | 3 bits | nothing |
//!
//! This module computes; it keeps no codes and reads no memory on its own.
//!
//! ```
//! use asc_alloc::line_code::{Finding, LineCode};
//!
//! let code = LineCode::new(128)?;
//! let mut line = [7u8; 128];
//! let mut stored = code.seal(&line);
//!
//! line[8..16].copy_from_slice(&1u64.to_le_bytes());
//! stored ^= code.change(8, 0x0707_0707_0707_0707, 1);
//! assert_eq!(code.examine(&line, stored), Finding::Intact);
//!
//! line[100] ^= 4;
//! let Finding::OneBit(flip) = code.examine(&line, stored) else { panic!() };
//! flip.correct(&mut line, &mut stored);
//! assert_eq!((line[100], code.examine(&line, stored)), (7, Finding::Intact));
//! # Ok::<(), asc_alloc::line_code::LineLengthError>(())
//! ```

mod polynomial;

use core::fmt;

pub(crate) use polynomial::Remainder;

/// Lengths of lines: powers of two between these.
pub const LINE_BYTES_MIN: usize = 64;
/// See [`LINE_BYTES_MIN`].
pub const LINE_BYTES_MAX: usize = 4096;
/// Longest line in which a single flipped bit is corrected. The distance is 6 up to 5,243 bits of data
/// (Koopman, "32-Bit Cyclic Redundancy Codes for Internet Applications", DSN 2002).
pub const CORRECTABLE_BYTES_MAX: usize = 512;

const WORD_BYTES: usize = 8;

/// The code for lines of one length.
#[derive(Clone, Debug)]
pub struct LineCode {
    line_bytes: usize,
    /// For each word of the line, what moves a word's remainder to its place.
    places: Vec<Remainder>,
}

/// A length that no line has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineLengthError(usize);

impl fmt::Display for LineLengthError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "lines are a power of two from {LINE_BYTES_MIN} to {LINE_BYTES_MAX} bytes long, not {}",
            self.0
        )
    }
}

impl std::error::Error for LineLengthError {}

/// What a line and its stored code say about each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// They agree.
    Intact,
    /// Exactly this bit is flipped, or at least five are.
    OneBit(Flip),
    /// Several bits are flipped, or the line is too long to tell.
    Corrupt,
}

/// A flipped bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Flip {
    /// In the line: bit `0..8` of a byte.
    Line {
        /// Index of the byte.
        byte: usize,
        /// Index of the bit, the lowest first.
        bit: u32,
    },
    /// In the stored code, the lowest first.
    Code {
        /// Index of the bit.
        bit: u32,
    },
}

impl Flip {
    /// Flips the bit back.
    ///
    /// # Panics
    /// When the line is shorter than the one that was examined.
    pub fn correct(self, line: &mut [u8], stored: &mut u32) {
        match self {
            Self::Line { byte, bit } => line[byte] ^= 1 << bit,
            Self::Code { bit } => *stored ^= 1 << bit,
        }
    }
}

impl LineCode {
    /// The code for lines of `line_bytes`.
    ///
    /// # Errors
    /// When that is no power of two between [`LINE_BYTES_MIN`] and [`LINE_BYTES_MAX`].
    pub fn new(line_bytes: usize) -> Result<Self, LineLengthError> {
        let allowed = LINE_BYTES_MIN..=LINE_BYTES_MAX;
        if !line_bytes.is_power_of_two() || !allowed.contains(&line_bytes) {
            return Err(LineLengthError(line_bytes));
        }
        let words = line_bytes / WORD_BYTES;
        let behind = (0..words).map(|word| (words - 1 - word) * WORD_BYTES);
        Ok(Self {
            line_bytes,
            places: behind.map(Remainder::of_zero_bytes).collect(),
        })
    }

    /// Length of a line.
    #[must_use]
    pub fn line_bytes(&self) -> usize {
        self.line_bytes
    }

    /// The code of a line.
    ///
    /// # Panics
    /// When the line has another length.
    #[must_use]
    #[inline]
    pub fn seal(&self, line: &[u8]) -> u32 {
        assert_eq!(line.len(), self.line_bytes, "a line of another length");
        polynomial::crc32c(line)
    }

    /// By what the code changes when the eight bytes from `offset` on change from `old` to `new`, both
    /// in the machine's (little-endian) order.
    ///
    /// # Panics
    /// When the word is not aligned or not in the line.
    #[must_use]
    #[inline]
    pub fn change(&self, offset: usize, old: u64, new: u64) -> u32 {
        assert!(
            offset.is_multiple_of(WORD_BYTES),
            "the word at {offset} is not aligned"
        );
        let place = self.places[offset / WORD_BYTES];
        Remainder::of_word(old ^ new).times(place).bits()
    }

    /// Compares a line with its stored code.
    ///
    /// # Panics
    /// When the line has another length.
    #[must_use]
    #[inline]
    pub fn examine(&self, line: &[u8], stored: u32) -> Finding {
        let mismatch = self.seal(line) ^ stored;
        if mismatch == 0 {
            return Finding::Intact;
        }
        locate(self.line_bytes, mismatch)
    }
}

/// The single bit of a line whose flip causes a mismatch that is not zero. Walks over all of them, a few
/// microseconds: it is called once per fault.
#[cold]
pub(crate) fn locate(line_bytes: usize, mismatch: u32) -> Finding {
    if line_bytes > CORRECTABLE_BYTES_MAX {
        return Finding::Corrupt;
    }
    if mismatch.is_power_of_two() {
        let bit = mismatch.trailing_zeros();
        return Finding::OneBit(Flip::Code { bit });
    }
    let mut of_bit = Remainder::of_last_bit();
    for byte in (0..line_bytes).rev() {
        for bit in (0..8).rev() {
            if of_bit.bits() == mismatch {
                return Finding::OneBit(Flip::Line { byte, bit });
            }
            of_bit = of_bit.doubled();
        }
    }
    Finding::Corrupt
}

#[cfg(test)]
mod tests;
