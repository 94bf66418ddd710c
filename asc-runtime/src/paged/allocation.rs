//! Allocation inside handlers.
//!
//! The first run allocates protected memory; the second gets the same blocks back after size and
//! alignment are compared. What a handler frees stays allocated until it commits. Reallocation is
//! allocation, copy and deferred free.
//!
//! What lies in a block that is allocated again is the same in both runs: its pages were restored.
//!
//! Events: `Allocate [size, alignment, zeroed, 0] -> [address, 0]` and
//! `Free [address, size, alignment, 0] -> [0, 0]`.

use core::alloc::Layout;
use core::ptr;

use asc_alloc::diversion::{self, Engine};

use super::Returned;
use super::context::current;
use super::event_log::{Event, Kind};
use super::sys::{in_effect, private_entry};

/// What the allocator calls for a thread in a handler.
pub(crate) static ENGINE: Engine = Engine {
    allocate: asc_paged_allocate,
    free: asc_paged_free,
};

private_entry! {
    fn asc_paged_allocate(size: usize, alignment: usize, zeroed: bool) -> *mut u8;
    outside = allocate_outside; inside = allocate_inside;
}
private_entry! {
    fn asc_paged_free(block: *mut u8, size: usize, alignment: usize);
    outside = free_outside; inside = free_inside;
}

/// The runtime itself and closures of effects, while a handler is in progress.
unsafe extern "C" fn allocate_outside(size: usize, alignment: usize, zeroed: bool) -> *mut u8 {
    // SAFETY: the allocator passes the parts of a layout.
    let layout = unsafe { Layout::from_size_align_unchecked(size, alignment) };
    // SAFETY: as above.
    let block = unsafe { diversion::allocate(layout) };
    if zeroed && !block.is_null() {
        // SAFETY: allocated above with that size.
        unsafe { block.write_bytes(0, size) };
    }
    block
}

unsafe extern "C" fn free_outside(block: *mut u8, size: usize, alignment: usize) {
    if in_effect() {
        // Until the handler commits somebody may find it again.
        return current().freed.add(block, size, alignment);
    }
    // SAFETY: the allocator passes the parts of a layout.
    let layout = unsafe { Layout::from_size_align_unchecked(size, alignment) };
    // SAFETY: the caller of the allocator gives the block up.
    unsafe { diversion::free(block, layout) };
}

unsafe extern "C" fn allocate_inside(size: usize, alignment: usize, zeroed: bool) -> Returned {
    let context = current();
    let operands = [size as u64, alignment as u64, u64::from(zeroed), 0];
    // SAFETY: the allocator passes the parts of a layout.
    let layout = unsafe { Layout::from_size_align_unchecked(size, alignment) };
    let outcome = context.events.step(Kind::Allocate, operands, |_| {
        // SAFETY: as above.
        let block = unsafe { diversion::allocate_protected(layout) };
        [block.expose_provenance() as u64, 0]
    });
    let address = context.demand(outcome)[0] as usize;
    let block: *mut u8 = ptr::with_exposed_provenance_mut(address);
    if zeroed && !block.is_null() {
        // SAFETY: a block of that size, which the handler has just been given.
        unsafe { clear(block, size) };
    }
    Returned::pointer(block)
}

pub(crate) extern "C" fn free_inside(block: *mut u8, size: usize, alignment: usize) -> Returned {
    let context = current();
    let operands = [
        block.expose_provenance() as u64,
        size as u64,
        alignment as u64,
        0,
    ];
    let outcome = context.events.step(Kind::Free, operands, |_| [0; 2]);
    context.demand(outcome);
    Returned::NOTHING
}

/// Zeroes what is not zero yet: a page that is left alone stays closed.
///
/// # Safety
/// `block` is valid for reads and writes of `size` bytes.
unsafe fn clear(block: *mut u8, size: usize) {
    const STEP_BYTES: usize = 512;
    for offset in (0..size).step_by(STEP_BYTES) {
        let (start, length) = (block.wrapping_add(offset), STEP_BYTES.min(size - offset));
        // SAFETY: by contract. Fresh memory reads as zero and old memory as what lay there.
        let part = unsafe { core::slice::from_raw_parts(start, length) };
        if part.iter().any(|&byte| byte != 0) {
            // SAFETY: by contract; the slice is not used any more.
            unsafe { start.write_bytes(0, length) };
        }
    }
}

/// Carries out a free that was deferred to the commit, or takes back an allocation of a handler that did
/// not commit.
///
/// # Safety
/// The event is verified, of kind `Free`, or of kind `Allocate` and rolled back, and carried out once.
pub(crate) unsafe fn release(event: &Event) {
    let (address, size, alignment) = match event.kind {
        Kind::Allocate => (event.result[0], event.operands[0], event.operands[1]),
        _ => (event.operands[0], event.operands[1], event.operands[2]),
    };
    if address == 0 {
        return;
    }
    // SAFETY: the parts of a layout, as the allocator passed them.
    let layout = unsafe { Layout::from_size_align_unchecked(size as usize, alignment as usize) };
    // SAFETY: by contract; the application freed this block with this layout, or never saw it.
    unsafe { diversion::free(ptr::with_exposed_provenance_mut(address as usize), layout) };
}
