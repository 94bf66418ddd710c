//! Remainders of lines, words and parts of lines, straight from memory.
//!
//! The arena is read word by word, volatile: another thread may be writing to another part of the line.

use core::ops::Range;
use core::ptr::NonNull;

use super::{Lines, WORD_BYTES};
use crate::line_code::{LINE_BYTES_MIN, Remainder};

pub(super) fn instructions_exist() -> bool {
    std::is_x86_feature_detected!("sse4.2") && std::is_x86_feature_detected!("pclmulqdq")
}

/// Fills in what moves a word's remainder to its place.
///
/// # Safety
/// `places` is valid for writes of `words` values.
pub(super) unsafe fn write_places(places: NonNull<u32>, words: usize) {
    let step = Remainder::of_zero_bytes(WORD_BYTES);
    let mut place = Remainder::of_zero_bytes(0);
    for word in (0..words).rev() {
        // SAFETY: by contract.
        unsafe { places.as_ptr().wrapping_add(word).write(place.bits()) };
        place = place.times(step);
    }
}

impl Lines {
    /// The remainder of a line of committed memory, as it is at this moment.
    #[must_use]
    #[inline]
    pub fn remainder(&self, line: usize) -> u32 {
        let start = self.pointer(self.address_of(line));
        let word = |index| {
            // SAFETY: below the length of a line of the arena, whose words are aligned.
            unsafe { start.cast::<u64>().wrapping_add(index).read_volatile() }
        };
        // SAFETY: the instructions exist, else there were no codes.
        unsafe { remainder_of((0..self.line_bytes() / WORD_BYTES).map(word)) }
    }

    /// Asks for the memory of lines that are soon to be looked at, and for the code of the first.
    #[inline]
    pub fn prefetch(&self, lines: Range<usize>) {
        ask_for(self.stored.as_ptr().wrapping_add(lines.start).cast());
        let (start, end) = (self.address_of(lines.start), self.address_of(lines.end));
        for address in (start..end).step_by(LINE_BYTES_MIN) {
            ask_for(self.pointer(address));
        }
    }

    /// The remainder that a line has when it holds the bytes at `bytes`.
    ///
    /// # Safety
    /// `bytes` is valid for reads of a line's length.
    #[must_use]
    pub unsafe fn remainder_of(&self, bytes: *const u8) -> u32 {
        let word = |index| {
            // SAFETY: by contract; the bytes that an engine kept need no alignment.
            unsafe { bytes.cast::<u64>().wrapping_add(index).read_unaligned() }
        };
        // SAFETY: the instructions exist, else there were no codes.
        unsafe { remainder_of((0..self.line_bytes() / WORD_BYTES).map(word)) }
    }

    /// By what a line's code changes when the eight bytes at `address`, a multiple of eight, change in
    /// the bits of `change` (in the machine's little-endian order).
    #[must_use]
    #[inline]
    pub fn change(&self, address: usize, change: u64) -> u32 {
        let offset = address.wrapping_sub(self.start.as_ptr().addr());
        let word = (offset & (self.line_bytes() - 1)) / WORD_BYTES;
        // SAFETY: invariant 2: the word is one of the line's.
        let place = unsafe { self.places.as_ptr().wrapping_add(word).read() };
        // SAFETY: the instructions exist, else there were no codes.
        unsafe { moved(change, place) }
    }

    /// The part of a line's remainder that comes from `length` bytes at `address`, which lie in one
    /// line.
    #[must_use]
    pub fn part(&self, address: usize, length: usize) -> u32 {
        if length == self.line_bytes() {
            return self.line_of(address).map_or(0, |line| self.remainder(line));
        }
        words_of(address, length).fold(0, |part, (word, mask)| {
            // SAFETY: a word of the arena that holds bytes of the caller's range.
            let value = unsafe { self.pointer(word).cast::<u64>().read_volatile() };
            part ^ self.change(word, value & mask)
        })
    }
}

#[inline]
fn ask_for(place: *const u8) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a hint: it reads nothing for the program, and faults nowhere.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) };
}

/// The aligned words that hold a range: their addresses, and 0xFF in each byte of the range.
pub(super) fn words_of(address: usize, length: usize) -> impl Iterator<Item = (usize, u64)> {
    let end = address + length;
    let first = address & !(WORD_BYTES - 1);
    (first..end).step_by(WORD_BYTES).map(move |word| {
        let skipped = address.saturating_sub(word) * 8;
        let surplus = (word + WORD_BYTES).saturating_sub(end) * 8;
        (word, u64::MAX << skipped & u64::MAX >> surplus)
    })
}

#[target_feature(enable = "sse4.2")]
#[inline]
fn remainder_of(words: impl Iterator<Item = u64>) -> u32 {
    let mut remainder = 0;
    for word in words {
        remainder = core::arch::x86_64::_mm_crc32_u64(remainder, word);
    }
    remainder as u32
}

/// A word's remainder at its place.
///
/// The product of two reflected polynomials has 63 bits, which the instruction leaves one bit too low
/// in 64; doubled, its upper half is the product's `x^0` to `x^31` and the lower half the rest. The
/// CRC instruction reduces the latter: it multiplies by `x^32`.
#[target_feature(enable = "sse4.2,pclmulqdq")]
#[inline]
fn moved(word: u64, place: u32) -> u32 {
    use core::arch::x86_64::{
        _mm_clmulepi64_si128, _mm_crc32_u32, _mm_crc32_u64, _mm_cvtsi64_si128, _mm_cvtsi128_si64,
    };
    let remainder = _mm_cvtsi64_si128(_mm_crc32_u64(0, word) as i64);
    let product = _mm_clmulepi64_si128::<0>(remainder, _mm_cvtsi64_si128(place.into()));
    let doubled = (_mm_cvtsi128_si64(product) as u64) << 1;
    _mm_crc32_u32(0, doubled as u32) ^ (doubled >> 32) as u32
}
