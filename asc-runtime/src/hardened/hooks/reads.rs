//! Loads, in builds with line codes: the line of what is read must have been verified.

use asc_alloc::line_code::LINE_BYTES_MIN;

use crate::hardened::sys::checks::read_hooks::{check_read, word_read_hooks};

word_read_hooks! { __asan_load1, __asan_load2, __asan_load4, __asan_load8 }

/// A load of 16 bytes, aligned to 8.
#[unsafe(no_mangle)]
extern "C" fn __asan_load16(address: usize) {
    check_read!(address);
    if address % LINE_BYTES_MIN > LINE_BYTES_MIN - 16 {
        check_read!(address + 8);
    }
}

/// A load of `length` bytes at `address`: odd widths, vectors, masked and unaligned loads.
#[unsafe(no_mangle)]
extern "C" fn __asan_loadN(address: usize, length: usize) {
    let mut offset = 0;
    while offset < length {
        check_read!(address + offset);
        offset += LINE_BYTES_MIN;
    }
    if length > 1 && address % LINE_BYTES_MIN + (length - 1) % LINE_BYTES_MIN >= LINE_BYTES_MIN {
        check_read!(address + length - 1);
    }
}
