//! Copies and fills of the application's memory that say where they ended.
//!
//! The C library's functions write long ranges in overlapping pieces; a fault in one of their many
//! branches makes them write beyond the range, beside the right bytes, where no comparison looks.
//! One string instruction has no branches, and its registers tell afterwards how far it went.

use core::arch::asm;

/// Copies `length` bytes upwards and returns the end of what was written.
///
/// # Safety
/// As for [`core::ptr::copy_nonoverlapping`]; a target below an overlapping source is fine too.
pub(crate) unsafe fn copy_bytes(target: *mut u8, source: *const u8, length: usize) -> *mut u8 {
    let end;
    // SAFETY: by contract; the direction flag is clear in compiled code.
    unsafe {
        asm!(
            "rep movsb",
            inout("rcx") length => _,
            inout("rdi") target => end,
            inout("rsi") source => _,
            options(nostack, preserves_flags),
        );
    }
    end
}

/// Sets `length` bytes and returns the end of what was written.
///
/// # Safety
/// As for [`core::ptr::write_bytes`].
pub(crate) unsafe fn fill_bytes(target: *mut u8, byte: u8, length: usize) -> *mut u8 {
    let end;
    // SAFETY: as above.
    unsafe {
        asm!(
            "rep stosb",
            inout("rcx") length => _,
            inout("rdi") target => end,
            in("al") byte,
            options(nostack, preserves_flags),
        );
    }
    end
}
