//! A global allocator that does not end in C's `malloc`.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that can ever be allocated.
const BYTES: usize = 64 << 20;

/// Hands out one static region, front to back, and never takes anything back.
#[derive(Debug)]
pub struct Bump {
    region: Region,
    used: AtomicUsize,
}

#[derive(Debug)]
#[repr(align(4096))]
struct Region(UnsafeCell<[u8; BYTES]>);

impl Bump {
    /// An untouched region.
    pub const fn new() -> Self {
        Self {
            region: Region(UnsafeCell::new([0; BYTES])),
            used: AtomicUsize::new(0),
        }
    }
}

impl Default for Bump {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: the region is only handed out, in disjoint pieces claimed by an atomic.
unsafe impl Sync for Bump {}

// SAFETY: pieces are aligned, disjoint, inside the region, and never reused.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let place = |used: usize| {
            let start = used.next_multiple_of(layout.align());
            let end = start.checked_add(layout.size())?;
            (end <= BYTES).then_some((start, end))
        };
        let claim = |used| place(used).map(|(_, end)| end);
        let Ok(used) = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, claim)
        else {
            return std::ptr::null_mut();
        };
        let Some((start, _)) = place(used) else {
            return std::ptr::null_mut();
        };
        self.region.0.get().cast::<u8>().wrapping_add(start)
    }

    unsafe fn dealloc(&self, _block: *mut u8, _layout: Layout) {}
}
