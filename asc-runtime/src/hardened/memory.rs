//! Raw access to the application's memory, at exactly the bytes that were named.

use core::arch::asm;
use core::ptr;

use crate::fault::{Fault, Stage};

/// The word of `length` bytes (1 to 8) at `address`, zero-extended.
///
/// # Safety
/// `address` is valid for reads of `length` bytes.
#[inline(always)]
pub(crate) unsafe fn read_word(address: usize, length: usize) -> u64 {
    let source = ptr::with_exposed_provenance::<u8>(address);
    // Most words are whole, and a predicted branch is cheaper than a jump table.
    if length == 8 {
        // SAFETY: by contract.
        return unsafe { source.cast::<u64>().read_unaligned() };
    }
    match length {
        // SAFETY: by contract; exactly 4 bytes, at any alignment.
        4 => u64::from(unsafe { source.cast::<u32>().read_unaligned() }),
        // SAFETY: by contract; exactly 2 bytes, at any alignment.
        2 => u64::from(unsafe { source.cast::<u16>().read_unaligned() }),
        // SAFETY: by contract; exactly 1 byte.
        1 => u64::from(unsafe { source.read() }),
        _ => {
            let mut bytes = [0; 8];
            // SAFETY: by contract for the source; the target is a local of 8 bytes.
            unsafe { ptr::copy_nonoverlapping(source, bytes.as_mut_ptr(), length.min(8)) };
            u64::from_ne_bytes(bytes)
        }
    }
}

/// Where two ranges begin to differ, and up to 8 bytes of each from there, for a fault's values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Difference {
    pub(crate) offset: usize,
    pub(crate) expected: u64,
    pub(crate) found: u64,
}

/// The first difference between two ranges.
///
/// # Safety
/// Both are valid for reads of `length` bytes.
pub(crate) unsafe fn first_difference(
    expected: *const u8,
    found: *const u8,
    length: usize,
) -> Option<Difference> {
    // SAFETY: by contract.
    let expected = unsafe { core::slice::from_raw_parts(expected, length) };
    // SAFETY: by contract.
    let found = unsafe { core::slice::from_raw_parts(found, length) };
    if expected == found {
        return None;
    }
    let offset = expected
        .iter()
        .zip(found)
        .position(|(expected, found)| expected != found)?;
    let (expected, found) = (excerpt(&expected[offset..]), excerpt(&found[offset..]));
    Some(Difference {
        offset,
        expected,
        found,
    })
}

/// The first bytes as a word, zero-extended.
fn excerpt(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    let length = bytes.len().min(word.len());
    word[..length].copy_from_slice(&bytes[..length]);
    u64::from_ne_bytes(word)
}

/// Demands that a copy or a fill ended where it was to end.
pub(crate) fn demand_end(expected: usize, reached: *mut u8) -> Result<(), Fault> {
    if reached.addr() == expected {
        return Ok(());
    }
    Err(Fault::new(
        Stage::Runtime,
        "a range was written to another length or place",
    )
    .at(expected)
    .values(expected as u64, reached.addr() as u64))
}

/// Makes the compiler assume that all memory changed: a check behind it reads memory again
/// instead of trusting what was just written.
#[inline(always)]
pub(crate) fn forget_memory() {
    // SAFETY: no instruction.
    unsafe { asm!("", options(nostack, preserves_flags)) };
}

/// A checksum of a few words. Each is multiplied by an odd constant of its own, so a single wrong
/// word always gives a wrong sum, and none waits for the others.
#[inline(always)]
pub(crate) const fn sum_of<const WORDS: usize>(words: [u64; WORDS]) -> u64 {
    let (mut sum, mut factor, mut index) = (0_u64, 0x9E37_79B9_7F4A_7C15_u64, 0);
    while index < WORDS {
        sum = sum.wrapping_add(words[index].wrapping_mul(factor));
        factor = factor.wrapping_mul(0xD134_2543_DE82_EF95);
        index += 1;
    }
    sum
}

/// Continues the checksum of a sequence.
#[inline(always)]
pub(crate) const fn chain(sum: u64, next: u64) -> u64 {
    sum.rotate_left(5).wrapping_add(next)
}
