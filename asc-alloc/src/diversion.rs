//! Requests of a thread whose allocations an engine records.
//!
//! A twice-execution engine answers the requests of a handler itself: the second run must get the
//! first run's blocks, and frees wait for the commit.
//!
//! 1. [`install`] names the engine's functions, once per process.
//! 2. Between [`divert`] and [`restore`] every request of the thread goes there.
//! 3. They allocate with [`allocate_protected`], or pass on what is not a handler's with
//!    [`allocate`] and [`free`].

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::AscAlloc;
use crate::allocator;
use crate::domain::Domain;

/// An engine's functions. They get and return what [`GlobalAlloc`] says.
#[derive(Debug)]
pub struct Engine {
    /// Size, alignment and whether the block must read as zero; null without memory.
    pub allocate: unsafe extern "C" fn(usize, usize, bool) -> *mut u8,
    /// Block, size and alignment.
    pub free: unsafe extern "C" fn(*mut u8, usize, usize),
}

static ENGINE: AtomicPtr<Engine> = AtomicPtr::new(core::ptr::null_mut());

thread_local! {
    // Constant and without a destructor: a plain word of the thread, valid to its very end.
    static DIVERTED: Cell<Option<&'static Engine>> = const { Cell::new(None) };
}

/// Names the engine to which threads divert.
///
/// # Safety
/// The functions keep the contract of [`GlobalAlloc`].
pub unsafe fn install(engine: &'static Engine) {
    ENGINE.store(core::ptr::from_ref(engine).cast_mut(), Ordering::Release);
}

/// From now on the engine answers this thread; nothing changes before [`install`].
pub fn divert() {
    // SAFETY: null, or the address of a static reference.
    DIVERTED.set(unsafe { ENGINE.load(Ordering::Acquire).as_ref() });
}

/// The allocator answers this thread again.
pub fn restore() {
    DIVERTED.set(None);
}

/// Makes this thread's cache of free blocks, so that no later request does.
pub fn prepare_thread() {
    let layout = Layout::new::<u64>();
    let block = allocator::allocate(Domain::Protected, layout);
    if !block.is_null() {
        // SAFETY: allocated above with this layout.
        unsafe { free(block, layout) };
    }
}

/// The engine that answers this thread.
#[inline(always)]
pub(crate) fn engine() -> Option<&'static Engine> {
    DIVERTED.get()
}

/// Allocates protected memory, wherever the thread is.
///
/// # Safety
/// As for [`GlobalAlloc::alloc`].
pub unsafe fn allocate_protected(layout: Layout) -> *mut u8 {
    allocator::allocate(Domain::Protected, layout)
}

/// Allocates as the thread's scope says.
///
/// # Safety
/// As for [`GlobalAlloc::alloc`].
pub unsafe fn allocate(layout: Layout) -> *mut u8 {
    allocator::allocate(crate::domain::current(), layout)
}

/// Frees at once.
///
/// # Safety
/// As for [`GlobalAlloc::dealloc`].
pub unsafe fn free(block: *mut u8, layout: Layout) {
    let diverted = DIVERTED.take();
    // SAFETY: the caller's contract is passed on.
    unsafe { AscAlloc::new().dealloc(block, layout) };
    DIVERTED.set(diverted);
}
