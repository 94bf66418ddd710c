//! [`Asc`] in builds that record no allocations: the same source builds everywhere.

use std::alloc::{GlobalAlloc, Layout};

use crate::wrapped_allocator::Asc;

// SAFETY: every call goes to the wrapped allocator, as it is.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Asc<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is passed on.
        unsafe { self.0.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is passed on.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is passed on.
        unsafe { self.0.dealloc(block, layout) };
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's contract is passed on.
        unsafe { self.0.realloc(block, layout, new_size) }
    }
}
