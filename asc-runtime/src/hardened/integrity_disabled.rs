//! No line codes: ECC memory answers for itself.

use core::ffi::c_int;

use super::context::Context;
use super::memory::demand_end;
use super::sys::fill_bytes;
use super::undo_log::Entry;
use crate::fault::Fault;
use crate::statistics::IntegrityStatistics;

/// No lines are kept.
#[derive(Debug)]
pub(crate) struct LineSet;

impl LineSet {
    pub(crate) const fn new() -> Self {
        Self
    }

    pub(crate) fn ranges(&self) -> impl Iterator<Item = (usize, usize)> {
        core::iter::empty()
    }
}

/// Nothing is published.
#[derive(Debug)]
pub(crate) struct View;

impl View {
    pub(crate) const fn new() -> Self {
        Self
    }

    pub(crate) const fn begin_record(&self) {}

    pub(crate) const fn end_record(&self, _entries: usize) {}

    pub(crate) const fn hide(&self) {}

    pub(crate) const fn show(&self, _entries: *mut Entry, _arena: *mut u8) {}

    pub(crate) const fn attach(&self, _words: *mut super::sys::ThreadWords) {}
}

/// There is no table.
pub(crate) const fn table_range() -> Option<(usize, usize)> {
    None
}

/// There is nothing to count.
pub(crate) fn statistics() -> IntegrityStatistics {
    IntegrityStatistics::default()
}

pub(crate) const LOGS_NEW_BLOCKS: bool = false;

#[inline(always)]
pub(crate) const fn begin_handler() {}

#[inline(always)]
pub(crate) const fn begin_pair(_context: &mut Context) {}

#[inline(always)]
pub(crate) const fn begin_recording(_context: &mut Context) {}

#[inline(always)]
pub(crate) const fn begin_run(_run: u32) {}

#[inline(always)]
pub(crate) const fn end_run() {}

#[inline(always)]
pub(crate) const fn check_range(_context: &mut Context, _address: usize, _length: usize) {}

#[inline(always)]
pub(crate) const fn note_change(_set: &mut LineSet, _entry: &Entry, _old_range: *const u8) {}

#[inline(always)]
pub(crate) const fn begin_effect(_context: &mut Context) {}

#[inline(always)]
pub(crate) const fn end_effect(_context: &mut Context) {}

#[inline(always)]
pub(crate) const fn begin_hook(_context: &mut Context) {}

#[inline(always)]
pub(crate) const fn end_hook(_context: &mut Context) {}

#[inline(always)]
pub(crate) const fn compare(_context: &Context) -> Result<(), Fault> {
    Ok(())
}

#[inline(always)]
pub(crate) const fn commit(_context: &Context) {}

#[inline(always)]
pub(crate) const fn end_handler(_context: &Context) {}

#[inline(always)]
pub(crate) fn clear_new_block(block: *mut u8, end: usize, size: usize) -> Result<(), Fault> {
    // SAFETY: F1.
    demand_end(end, unsafe { fill_bytes(block, 0, size) })
}

/// Every block is as good as any other.
pub(crate) const fn covers(_block: *const u8) -> bool {
    true
}

/// The C allocator as it is.
pub(crate) mod heap {
    use super::c_int;

    unsafe extern "C" {
        #[link_name = "__real_malloc"]
        pub(crate) fn malloc(size: usize) -> *mut u8;
        #[link_name = "__real_calloc"]
        pub(crate) fn calloc(count: usize, size: usize) -> *mut u8;
        #[link_name = "__real_realloc"]
        pub(crate) fn realloc(block: *mut u8, size: usize) -> *mut u8;
        #[link_name = "__real_free"]
        pub(crate) fn free(block: *mut u8);
        #[link_name = "__real_posix_memalign"]
        pub(crate) fn posix_memalign(block: *mut *mut u8, alignment: usize, size: usize) -> c_int;
        #[link_name = "__real_aligned_alloc"]
        pub(crate) fn aligned_alloc(alignment: usize, size: usize) -> *mut u8;
        #[link_name = "__real_memalign"]
        pub(crate) fn memalign(alignment: usize, size: usize) -> *mut u8;
    }

    /// A block of C's allocator; null without memory.
    pub(crate) fn allocate(size: usize, alignment: usize) -> *mut u8 {
        if alignment <= 16 {
            // SAFETY: C's allocator takes any size.
            return unsafe { malloc(size) };
        }
        let mut block = core::ptr::null_mut();
        // SAFETY: a valid place for the pointer; C's allocator takes any size and refuses an
        // alignment that is not a power of two.
        let failed = unsafe { posix_memalign(&raw mut block, alignment, size) } != 0;
        if failed { core::ptr::null_mut() } else { block }
    }

    /// There is one heap.
    pub(crate) fn allocate_beside(_block: *mut u8, size: usize) -> *mut u8 {
        // SAFETY: C's allocator takes any size.
        unsafe { malloc(size) }
    }

    /// Bytes of a block.
    pub(crate) fn usable_bytes(block: *mut u8) -> usize {
        // SAFETY: the callers' blocks are null or of C's allocator.
        unsafe { libc::malloc_usable_size(block.cast()) }
    }

    /// Nothing is told apart.
    pub(crate) struct Scope;

    pub(crate) const fn scope() -> Scope {
        Scope
    }

    pub(crate) const fn ordinary() -> Scope {
        Scope
    }
}

/// What the kernel writes is as good as any other.
pub(crate) mod received {
    unsafe extern "C" {
        #[link_name = "__real_read"]
        pub(crate) fn read();
        #[link_name = "__real_pread64"]
        pub(crate) fn pread64();
        #[link_name = "__real_readv"]
        pub(crate) fn readv();
        #[link_name = "__real_recv"]
        pub(crate) fn recv();
        #[link_name = "__real_recvfrom"]
        pub(crate) fn recvfrom();
        #[link_name = "__real_getrandom"]
        pub(crate) fn getrandom(buffer: *mut u8, length: usize, flags: u32) -> isize;
    }
}

/// Outside of handlers nothing is watched.
pub(crate) mod outside {
    use core::ptr;

    use crate::hardened::atomic::{Operation, perform};

    #[inline(always)]
    pub(crate) const fn sees_atomic(_address: usize) -> bool {
        false
    }

    #[inline(always)]
    pub(crate) const fn is_protected(_address: usize) -> bool {
        false
    }

    pub(crate) const fn store(_address: usize, _length: usize) {}

    pub(crate) const fn settle() {}

    /// # Safety
    /// As for C's `memcpy`.
    #[inline(always)]
    pub(crate) unsafe fn copy(target: *mut u8, source: *const u8, length: usize) {
        // SAFETY: by contract.
        unsafe { ptr::copy_nonoverlapping(source, target, length) };
    }

    /// # Safety
    /// As for C's `memmove`.
    #[inline(always)]
    pub(crate) unsafe fn move_range(target: *mut u8, source: *const u8, length: usize) {
        // SAFETY: by contract.
        unsafe { ptr::copy(source, target, length) };
    }

    /// # Safety
    /// As for C's `memset`.
    #[inline(always)]
    pub(crate) unsafe fn fill(target: *mut u8, byte: u8, length: usize) {
        // SAFETY: by contract.
        unsafe { ptr::write_bytes(target, byte, length) };
    }

    /// # Safety
    /// As for [`perform`].
    pub(crate) unsafe fn atomic(
        operation: Operation,
        address: usize,
        size: usize,
        value: u128,
        expected: u128,
    ) -> u128 {
        // SAFETY: by contract.
        unsafe { perform(operation, address, size, value, expected) }
    }
}
