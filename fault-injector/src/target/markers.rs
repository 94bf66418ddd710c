//! Places in a target's code where the injector stops it.
//!
//! Naked functions with unmangled names: there is exactly one copy of each, its arguments
//! are in registers when its first instruction is reached, and no optimiser looks inside.

use core::arch::naked_asm;

/// A request is about to be sealed.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub extern "C" fn asc_target_begin(_index: usize, _request: *const u8, _length: usize) {
    naked_asm!("nop", "ret")
}

/// The request has its checksum.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub extern "C" fn asc_target_sealed() {
    naked_asm!("nop", "ret")
}

/// The handler has returned.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub extern "C" fn asc_target_replied() {
    naked_asm!("nop", "ret")
}

/// The reply and its checksum were taken.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub extern "C" fn asc_target_end(_reply: *const u8, _length: usize, _checksum: u32) {
    naked_asm!("nop", "ret")
}

/// The one `syscall` instruction that the injector executes to copy a stopped target.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub extern "C" fn asc_target_syscall() {
    naked_asm!("syscall", "ud2")
}

/// Keeps the linker from dropping what only the injector uses.
pub(super) fn keep() {
    std::hint::black_box(asc_target_syscall as extern "C" fn());
}
