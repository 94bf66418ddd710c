//! Stores of other widths, and the memory intrinsics.

use core::ptr;

use crate::hardened::integrity::outside;
use crate::hardened::sys::{asc_copy, asc_fill, asc_move, asc_store, called_by_handler};

/// A store of `length` bytes at `address`: odd widths, vectors, masked stores.
#[unsafe(no_mangle)]
extern "C" fn __asan_storeN(address: usize, length: usize) {
    if called_by_handler() {
        // SAFETY: a handler is active (W2), and the application is about to write these bytes.
        unsafe { asc_store(ptr::with_exposed_provenance_mut(address), 0, length) };
    } else if outside::is_protected(address) {
        outside::store(address, length);
    }
}

/// `memcpy`.
///
/// # Safety
/// As for C's `memcpy`.
#[unsafe(no_mangle)]
unsafe extern "C" fn __asan_memcpy(target: *mut u8, source: *const u8, length: usize) -> *mut u8 {
    if called_by_handler() {
        // SAFETY: passed on under the caller's contract; a handler is active (W2).
        return unsafe { asc_copy(target, source, length) };
    }
    // SAFETY: passed on under the caller's contract.
    unsafe { outside::copy(target, source, length) };
    target
}

/// `memmove`.
///
/// # Safety
/// As for C's `memmove`.
#[unsafe(no_mangle)]
unsafe extern "C" fn __asan_memmove(target: *mut u8, source: *const u8, length: usize) -> *mut u8 {
    if called_by_handler() {
        // SAFETY: passed on under the caller's contract; a handler is active (W2).
        return unsafe { asc_move(target, source, length) };
    }
    // SAFETY: passed on under the caller's contract.
    unsafe { outside::move_range(target, source, length) };
    target
}

/// `memset`.
///
/// # Safety
/// As for C's `memset`.
#[unsafe(no_mangle)]
unsafe extern "C" fn __asan_memset(target: *mut u8, byte: i32, length: usize) -> *mut u8 {
    if called_by_handler() {
        // SAFETY: passed on under the caller's contract; a handler is active (W2).
        return unsafe { asc_fill(target, byte, length) };
    }
    // SAFETY: passed on under the caller's contract.
    unsafe { outside::fill(target, byte as u8, length) };
    target
}
