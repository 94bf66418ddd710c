//! [`Asc`] in builds that record no allocations: the same source builds everywhere.

use std::alloc::{GlobalAlloc, Layout};

/// Makes a program's own global allocator work inside handlers of builds by `cargo asc`.
///
/// Needed only where the global allocator does not end in C's `malloc`; the runtime says so at the
/// first handler of such a program. In this build, which `cargo asc` has not made, every call goes
/// straight to the wrapped allocator.
///
/// ```
/// use std::alloc::System;
/// use asc_runtime::Asc;
///
/// #[global_allocator]
/// static ALLOCATOR: Asc<System> = Asc::new(System);
/// # fn main() {}
/// ```
#[derive(Debug, Default)]
pub struct Asc<A>(A);

impl<A> Asc<A> {
    /// Wraps `allocator`.
    pub const fn new(allocator: A) -> Self {
        Self(allocator)
    }
}

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
