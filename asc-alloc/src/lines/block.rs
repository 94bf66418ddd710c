//! What the allocator itself writes into blocks.

use super::Lines;
use crate::AscAlloc;

/// Zeroes a block.
///
/// # Safety
/// The block is allocated, `bytes` long, and nobody else uses it.
#[inline]
pub(crate) unsafe fn zero(block: *mut u8, bytes: usize) {
    match Lines::get() {
        // SAFETY: by contract.
        Some(lines) if AscAlloc::is_protected(block) => unsafe { lines.zero(block, bytes) },
        // SAFETY: by contract.
        _ => unsafe { block.write_bytes(0, bytes) },
    }
}

/// Moves the contents of one block to another.
///
/// # Safety
/// Both are allocated and `bytes` long, and nobody else uses them.
#[inline]
pub(crate) unsafe fn copy(to: *mut u8, from: *const u8, bytes: usize) {
    match Lines::get() {
        // SAFETY: by contract.
        Some(lines) => unsafe { copy_with(lines, to, from, bytes) },
        // SAFETY: by contract.
        None => unsafe { to.copy_from_nonoverlapping(from, bytes) },
    }
}

/// # Safety
/// As for [`copy`].
unsafe fn copy_with(lines: &Lines, to: *mut u8, from: *const u8, bytes: usize) {
    lines.examine(from.addr(), bytes);
    if !AscAlloc::is_protected(to) {
        // SAFETY: by contract.
        return unsafe { to.copy_from_nonoverlapping(from, bytes) };
    }
    lines.write(to.addr(), bytes, false, |offset, length| {
        let (to, from) = (to.wrapping_add(offset), from.wrapping_add(offset));
        // SAFETY: by contract; the piece lies in both.
        unsafe { to.copy_from_nonoverlapping(from, length) };
    });
}
