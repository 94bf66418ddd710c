//! Stores, copies and fills of a handler that are too long for the log's fast path.

use core::hint::black_box;
use core::ptr;

use super::Returned;
use super::context::current;
use super::integrity;
use super::memory::demand_end;
use super::sys::{copy_bytes, fill_bytes, private_entry};

private_entry! {
    pub(crate) fn asc_store_long(target: *mut u8, unused: usize, length: usize);
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

extern "C" fn store_range(target: *mut u8, _unused: usize, length: usize) -> Returned {
    current().store(target.expose_provenance(), length);
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
