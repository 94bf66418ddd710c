//! Raw access to the application's memory, at exactly the bytes that were named.

use core::arch::asm;
use core::ptr;

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
    // SAFETY: by contract; unaligned reads of exactly `length` bytes.
    unsafe {
        match length {
            4 => u64::from(source.cast::<u32>().read_unaligned()),
            2 => u64::from(source.cast::<u16>().read_unaligned()),
            1 => u64::from(source.read()),
            _ => {
                let mut bytes = [0; 8];
                ptr::copy_nonoverlapping(source, bytes.as_mut_ptr(), length.min(8));
                u64::from_ne_bytes(bytes)
            }
        }
    }
}

/// Writes the low `length` bytes (1 to 8) of `value` to `address`.
///
/// # Safety
/// `address` is valid for writes of `length` bytes.
#[inline(always)]
pub(crate) unsafe fn write_word(address: usize, length: usize, value: u64) {
    let target = ptr::with_exposed_provenance_mut::<u8>(address);
    if length == 8 {
        // SAFETY: by contract.
        return unsafe { target.cast::<u64>().write_unaligned(value) };
    }
    // SAFETY: by contract; unaligned writes of exactly `length` bytes, because the neighbouring
    // byte may belong to another thread.
    unsafe {
        match length {
            4 => target.cast::<u32>().write_unaligned(value as u32),
            2 => target.cast::<u16>().write_unaligned(value as u16),
            1 => target.write(value as u8),
            _ => {
                let bytes = value.to_ne_bytes();
                ptr::copy_nonoverlapping(bytes.as_ptr(), target, length.min(8));
            }
        }
    }
}

/// Offset of the first difference between two ranges.
///
/// # Safety
/// Both are valid for reads of `length` bytes.
pub(crate) unsafe fn first_difference(left: *const u8, right: *const u8, length: usize) -> Option<usize> {
    // SAFETY: by contract.
    let (left, right) = unsafe {
        (core::slice::from_raw_parts(left, length), core::slice::from_raw_parts(right, length))
    };
    if left == right {
        return None;
    }
    left.iter().zip(right).position(|(left, right)| left != right)
}

/// Up to 8 bytes at `offset` of a range, for a fault's values.
///
/// # Safety
/// `base` is valid for reads of `length` bytes and `offset < length`.
pub(crate) unsafe fn excerpt(base: *const u8, length: usize, offset: usize) -> u64 {
    // SAFETY: `offset` lies in the range.
    let start = unsafe { base.add(offset) };
    // SAFETY: what is read ends within the range.
    unsafe { read_word(start.expose_provenance(), (length - offset).min(8)) }
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
