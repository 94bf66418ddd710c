//! Stores of other widths, and the memory intrinsics.

use core::hint::black_box;
use core::ptr;

use crate::hardened::Returned;
use crate::hardened::context::current;
use crate::hardened::integrity::{self, outside};
use crate::hardened::memory::demand_end;
use crate::hardened::sys::{
    asc_copy, asc_fill, asc_move, copy_bytes, fill_bytes, handler_active, private_entry,
};

/// A store of `length` bytes at `address`: odd widths, vectors, masked stores.
#[unsafe(no_mangle)]
extern "C" fn __asan_storeN(address: usize, length: usize) {
    if handler_active() {
        // SAFETY: a handler is active (W2); the entry keeps the C calling convention.
        unsafe { asc_store_range(address, length) };
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
    if handler_active() {
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
    if handler_active() {
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
    if handler_active() {
        // SAFETY: passed on under the caller's contract; a handler is active (W2).
        return unsafe { asc_fill(target, byte, length) };
    }
    // SAFETY: passed on under the caller's contract.
    unsafe { outside::fill(target, byte as u8, length) };
    target
}

private_entry! {
    fn asc_store_range(address: usize, length: usize);
    locals = nothing; inside = store_range;
}
private_entry! {
    pub(crate) fn asc_copy_long(target: *mut u8, source: *const u8, length: usize) -> *mut u8;
    locals = memcpy; inside = copy;
}
private_entry! {
    pub(crate) fn asc_move_long(target: *mut u8, source: *const u8, length: usize) -> *mut u8;
    locals = memmove; inside = move_range;
}
private_entry! {
    pub(crate) fn asc_fill_long(target: *mut u8, byte: i32, length: usize) -> *mut u8;
    locals = memset; inside = fill;
}

#[cfg(asc_crc)]
use crate::hardened::sys::checks::compared::{
    asc_checked_memcpy as memcpy, asc_checked_memmove as memmove,
};

unsafe extern "C" {
    #[cfg(not(asc_crc))]
    fn memcpy(target: *mut u8, source: *const u8, length: usize) -> *mut u8;
    #[cfg(not(asc_crc))]
    fn memmove(target: *mut u8, source: *const u8, length: usize) -> *mut u8;
    fn memset(target: *mut u8, byte: i32, length: usize) -> *mut u8;
}

extern "C" fn nothing() {}

extern "C" fn store_range(address: usize, length: usize) -> Returned {
    current().store(address, length);
    Returned::NOTHING
}

unsafe extern "C" fn copy(target: *mut u8, source: *const u8, length: usize) -> Returned {
    integrity::check_range(current(), source.expose_provenance(), length);
    // Computed from the operands before anything else uses them.
    let end = black_box(target.addr().wrapping_add(length));
    current().store(target.expose_provenance(), length);
    // SAFETY: the caller's contract, as for the other two.
    let reached = unsafe { copy_bytes(target, source, length) };
    current().demand(demand_end(end, reached));
    Returned::pointer(target)
}

unsafe extern "C" fn move_range(target: *mut u8, source: *const u8, length: usize) -> Returned {
    integrity::check_range(current(), source.expose_provenance(), length);
    current().store(target.expose_provenance(), length);
    // SAFETY: as above.
    unsafe { ptr::copy(source, target, length) };
    Returned::pointer(target)
}

unsafe extern "C" fn fill(target: *mut u8, byte: i32, length: usize) -> Returned {
    let end = black_box(target.addr().wrapping_add(length));
    current().store(target.expose_provenance(), length);
    // SAFETY: as above.
    let reached = unsafe { fill_bytes(target, byte as u8, length) };
    current().demand(demand_end(end, reached));
    Returned::pointer(target)
}
