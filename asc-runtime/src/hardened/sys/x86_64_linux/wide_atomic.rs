//! Atomic compare-and-exchange of 16 bytes, which stable Rust does not offer.

use core::arch::asm;

/// Stores `new` at `address` if it holds `expected`; returns what it held.
///
/// # Safety
/// `address` is valid for reads and writes and 16-byte aligned.
pub(crate) unsafe fn compare_exchange_16(address: *mut u128, expected: u128, new: u128) -> u128 {
    let (mut low, mut high) = (expected as u64, (expected >> 64) as u64);
    // SAFETY: by contract of this function; rbx is exchanged back because LLVM reserves it.
    unsafe {
        asm!(
            "xchg {new_low}, rbx",
            "lock cmpxchg16b xmmword ptr [{address}]",
            "mov rbx, {new_low}",
            address = in(reg) address,
            new_low = inout(reg) new as u64 => _,
            in("rcx") (new >> 64) as u64,
            inout("rax") low,
            inout("rdx") high,
            options(nostack),
        );
    }
    (u128::from(high) << 64) | u128::from(low)
}
