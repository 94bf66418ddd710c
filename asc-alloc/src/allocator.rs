//! The global allocator: which path a request takes.
//!
//! Small blocks go through the thread's cache, large ones to the spans. A reallocation stays in place
//! when the block is large enough and of the same class, or when the chunks behind it are free. A
//! thread that is diverted asks its engine instead ([`crate::diversion`]).

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::null_mut;

use crate::diversion;
use crate::domain::{self, Domain, ProtectedScope};
use crate::heap::chunk::{Kind, chunk};
use crate::heap::region::REGION;
use crate::heap::region::{CHUNK_BYTES, CHUNK_SHIFT};
use crate::heap::{large, spans, thread_cache};
use crate::lines::{Lines, block};
use crate::page;
use crate::size_class::SizeClass;
use crate::stop::stop;

/// The allocator. All values of this type share one heap.
///
/// ```
/// use asc_alloc::AscAlloc;
///
/// #[global_allocator]
/// static ALLOC: AscAlloc = AscAlloc::new();
///
/// let state = ALLOC.protected(|| vec![1u8; 100]);
/// assert!(AscAlloc::is_protected(state.as_ptr()));
/// assert!(!AscAlloc::is_protected(Box::new(1).as_ref()));
/// ```
#[derive(Debug, Default)]
pub struct AscAlloc(());

impl AscAlloc {
    /// The allocator, for a `static`.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }

    /// Runs `scope`; what it allocates is protected state, and where the page level is started it may
    /// write to protected state.
    ///
    /// # Panics
    /// When `scope` does.
    pub fn protected<R>(&self, scope: impl FnOnce() -> R) -> R {
        page::in_session(|| {
            let _entered = ProtectedScope::enter();
            scope()
        })
    }

    /// Runs `scope`; what it allocates is ordinary memory, within [`AscAlloc::protected`] too: locks,
    /// channels and whatever else a protected structure shares with code outside of handlers.
    ///
    /// # Panics
    /// When `scope` does.
    pub fn ordinary<R>(&self, scope: impl FnOnce() -> R) -> R {
        domain::ordinary(scope)
    }

    /// Whether `pointer` points into protected memory.
    #[must_use]
    pub fn is_protected<T>(pointer: *const T) -> bool {
        !REGION.base().is_null()
            && REGION.domain(REGION.offset(pointer.addr())) == Some(Domain::Protected)
    }

    /// Bytes of a block, at least what was asked for; `None` for a pointer that is not from here.
    ///
    /// For callers of C's `free` and its kin, who do not know a block's layout.
    ///
    /// # Panics
    /// Never; a pointer into the heap that is no block ends the process.
    #[must_use]
    pub fn block_bytes<T>(pointer: *const T) -> Option<usize> {
        let (head, class) = block_at(pointer.addr())?;
        Some(match class {
            Some(class) => class.bytes(),
            None => chunk(head).length() as usize * CHUNK_BYTES,
        })
    }

    /// Frees a block without its layout.
    ///
    /// # Safety
    /// The block was allocated here and is not used any more.
    pub unsafe fn release(&self, pointer: *mut u8) {
        let offset = REGION.offset(pointer.addr());
        match (block_at(pointer.addr()), REGION.domain(offset)) {
            (Some((_, Some(class))), Some(domain)) => thread_cache::give(domain, class, offset),
            (Some((_, None)), Some(_)) => large::free(offset),
            _ => foreign(pointer),
        }
    }

    /// Gives this thread's cached blocks and all free memory back, as far as whole slabs are free.
    pub fn return_memory(&self) {
        thread_cache::flush();
        spans(Domain::Ordinary).lock().return_to_system();
        page::return_memory();
    }
}

// Blocks are disjoint because each chunk belongs to one run (`Spans`, invariant 1), each object of a slab is
// free in exactly one place (`Class`, invariant 2, and the caches), and a block is taken from there.
//
// SAFETY: blocks are disjoint, as said above; classes and spans honour size and alignment; no path
// panics or unwinds, and corruption aborts.
unsafe impl GlobalAlloc for AscAlloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if let Some(engine) = diversion::engine() {
            // SAFETY: the caller's contract is passed on.
            return unsafe { (engine.allocate)(layout.size(), layout.align(), false) };
        }
        allocate(domain::current(), layout)
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if let Some(engine) = diversion::engine() {
            // SAFETY: the caller's contract is passed on.
            return unsafe { (engine.allocate)(layout.size(), layout.align(), true) };
        }
        let Some(class) = SizeClass::of(layout) else {
            return large::allocate_zeroed(domain::current(), layout);
        };
        let Some(slot) = thread_cache::take(domain::current(), class) else {
            return null_mut();
        };
        let pointer = REGION.pointer(slot.offset());
        if !slot.is_fresh() {
            // SAFETY: the block was just taken and is that long.
            unsafe { block::zero(pointer, layout.size()) };
        }
        pointer
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if let Some(engine) = diversion::engine() {
            // SAFETY: the caller's contract is passed on.
            return unsafe { (engine.free)(pointer, layout.size(), layout.align()) };
        }
        let offset = REGION.offset(pointer.addr());
        let Some(class) = SizeClass::of(layout) else {
            return large::free(offset);
        };
        match REGION.domain(offset) {
            Some(domain) => thread_cache::give(domain, class, offset),
            None => foreign(pointer),
        }
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, old: Layout, bytes: usize) -> *mut u8 {
        let Ok(new) = Layout::from_size_align(bytes, old.align()) else {
            return null_mut();
        };
        let stays = match (SizeClass::of(old), SizeClass::of(new)) {
            (Some(before), Some(after)) => before == after,
            // What an engine undoes are allocations, not resizes.
            (None, None) if diversion::engine().is_none() => {
                large::resize(REGION.offset(pointer.addr()), bytes)
            }
            _ => false,
        };
        if stays {
            return pointer;
        }
        // What has a code keeps one.
        let keeps_code = Lines::get().is_some() && Self::is_protected(pointer);
        let _scope = keeps_code.then(ProtectedScope::enter);
        let grows = bytes > old.size() && SizeClass::of(new).is_none();
        let moved = if grows && diversion::engine().is_none() {
            large::allocate_grown(domain::current(), new)
        } else {
            // SAFETY: `new` comes from the caller's size, which is not zero.
            unsafe { self.alloc(new) }
        };
        if moved.is_null() {
            return moved;
        }
        // SAFETY: both blocks are live, distinct and at least that long.
        unsafe { block::copy(moved, pointer, old.size().min(bytes)) };
        // SAFETY: the caller gives up the old block.
        unsafe { self.dealloc(pointer, old) };
        moved
    }
}

/// What lies at an address of the heap: the chunk, and the class of a small block.
fn block_at(address: usize) -> Option<(u32, Option<SizeClass>)> {
    let offset = REGION.offset(address);
    if REGION.base().is_null() || REGION.domain(offset).is_none() {
        return None;
    }
    let head = (offset >> CHUNK_SHIFT) as u32;
    match chunk(head).kind() {
        Kind::Slab => Some((head, Some(chunk(head).class()))),
        Kind::Large => Some((head, None)),
        Kind::Inside | Kind::Clean | Kind::Dirty => stop(format_args!(
            "{address:#x} lies in the heap and is no block: was it freed before?"
        )),
    }
}

/// Allocates in an arena.
#[inline]
pub(crate) fn allocate(domain: Domain, layout: Layout) -> *mut u8 {
    match SizeClass::of(layout) {
        Some(class) => match thread_cache::take(domain, class) {
            Some(slot) => REGION.pointer(slot.offset()),
            None => null_mut(),
        },
        None => large::allocate(domain, layout),
    }
}

#[cold]
#[inline(never)]
fn foreign(pointer: *mut u8) -> ! {
    stop(format_args!(
        "{pointer:p} was freed and is not from this allocator: was it allocated by C code or by \
         another global allocator?"
    ))
}
