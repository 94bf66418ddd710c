//! Allocation inside handlers.
//!
//! The first run allocates for real; the second gets the same blocks back after size and
//! alignment are compared. What a handler frees stays allocated until it commits, so that the
//! second run can free it again. Reallocation is allocation, copy and deferred free.
//!
//! `cargo asc` links every call of the C allocator, which is what Rust's default allocator calls,
//! to the `__wrap_` functions below, so an unmodified program needs no declaration. A program with
//! another global allocator wraps it in [`Asc`].
//!
//! Events: `Allocate [size, alignment, source, release function] -> [address, 0]` and
//! `Free [address, size, alignment, source] -> [release function, allocator]`.

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_int;
use core::ptr;

use crate::fault::{Fault, Stage};
use crate::wrapped_allocator::Asc;

use super::Returned;
use super::context::current;
use super::event_log::{Event, Kind};
use super::integrity::{self, heap, outside};
use super::sys::{handler_active, in_effect, private_entry};

/// Alignment that C's allocator gives without being asked.
const C_ALIGNMENT: usize = 16;
/// Events of C's allocator carry this as their source; those of an [`Asc`] its address.
const C_SOURCE: u64 = 0;

private_entry! {
    #[unsafe(no_mangle)]
    fn __wrap_malloc(size: usize) -> *mut u8;
    outside = heap::malloc; inside = c_malloc;
}
private_entry! {
    #[unsafe(no_mangle)]
    fn __wrap_calloc(count: usize, size: usize) -> *mut u8;
    outside = heap::calloc; inside = c_calloc;
}
private_entry! {
    #[unsafe(no_mangle)]
    fn __wrap_realloc(block: *mut u8, size: usize) -> *mut u8;
    outside = realloc_outside; inside = c_realloc;
}
private_entry! {
    #[unsafe(no_mangle)]
    fn __wrap_free(block: *mut u8);
    outside = free_outside; inside = c_free;
}
private_entry! {
    #[unsafe(no_mangle)]
    fn __wrap_posix_memalign(block: *mut *mut u8, alignment: usize, size: usize) -> c_int;
    outside = heap::posix_memalign; inside = c_posix_memalign;
}
private_entry! {
    #[unsafe(no_mangle)]
    fn __wrap_aligned_alloc(alignment: usize, size: usize) -> *mut u8;
    outside = heap::aligned_alloc; inside = c_aligned_alloc;
}
private_entry! {
    #[unsafe(no_mangle)]
    fn __wrap_memalign(alignment: usize, size: usize) -> *mut u8;
    outside = heap::memalign; inside = c_aligned_alloc;
}

extern "C" fn c_malloc(size: usize) -> Returned {
    Returned::pointer(c_allocate(size, C_ALIGNMENT))
}

extern "C" fn c_calloc(count: usize, size: usize) -> Returned {
    // Fresh blocks are zeroed in any case.
    Returned::pointer(match count.checked_mul(size) {
        Some(bytes) => c_allocate(bytes, C_ALIGNMENT),
        None => ptr::null_mut(),
    })
}

extern "C" fn c_realloc(block: *mut u8, size: usize) -> Returned {
    if block.is_null() {
        return c_malloc(size);
    }
    let grown = c_allocate(size, C_ALIGNMENT);
    if !grown.is_null() {
        let length = heap::usable_bytes(block).min(size);
        let context = current();
        integrity::check_range(context, block.expose_provenance(), length);
        if integrity::LOGS_NEW_BLOCKS {
            context.store(grown.expose_provenance(), length);
        }
        // SAFETY: both blocks hold that many bytes, and they are distinct.
        unsafe { ptr::copy_nonoverlapping(block, grown, length) };
        c_free(block);
    }
    Returned::pointer(grown)
}

extern "C" fn c_free(block: *mut u8) -> Returned {
    if !block.is_null() {
        release(freed_by_c(block));
    }
    Returned::NOTHING
}

/// A closure that a handler runs once frees when the handler commits: until then a rolled-back word
/// may point to the block.
unsafe extern "C" fn free_outside(block: *mut u8) {
    if in_effect() {
        return free_in_effect(block);
    }
    // SAFETY: passed on.
    unsafe { heap::free(block) };
}

#[cold]
#[inline(never)]
fn free_in_effect(block: *mut u8) {
    if !block.is_null() {
        current().freed.add(freed_by_c(block));
    }
}

unsafe extern "C" fn realloc_outside(block: *mut u8, size: usize) -> *mut u8 {
    if !in_effect() {
        // SAFETY: passed on.
        return unsafe { heap::realloc(block, size) };
    }
    let grown = heap::allocate_beside(block, size);
    if !grown.is_null() && !block.is_null() {
        let length = heap::usable_bytes(block).min(size);
        // SAFETY: both blocks hold that many bytes, and they are distinct.
        unsafe { outside::copy(grown, block, length) };
        current().freed.add(freed_by_c(block));
    }
    grown
}

fn freed_by_c(block: *mut u8) -> Freed {
    Freed {
        block: block.expose_provenance(),
        size: 0,
        alignment: 0,
        source: C_SOURCE,
        function: c_release,
        allocator: 0,
    }
}

unsafe extern "C" fn c_posix_memalign(
    block: *mut *mut u8,
    alignment: usize,
    size: usize,
) -> Returned {
    let allocated = c_allocate(size, alignment);
    if allocated.is_null() {
        return Returned::word(libc::ENOMEM as u64);
    }
    let context = current();
    if !context.is_local(block.addr()) {
        context.store(block.expose_provenance(), size_of::<*mut u8>());
    }
    // SAFETY: the caller passed a place for the result.
    unsafe { block.write(allocated) };
    Returned::word(0)
}

extern "C" fn c_aligned_alloc(alignment: usize, size: usize) -> Returned {
    Returned::pointer(c_allocate(size, alignment))
}

fn c_allocate(size: usize, alignment: usize) -> *mut u8 {
    let block = allocate_once(size, alignment);
    let usable = heap::usable_bytes(block);
    if usable < size && !block.is_null() {
        let fault = Fault::new(Stage::Runtime, "the allocator returned too small a block");
        let fault = fault.at(block.addr()).values(size as u64, usable as u64);
        current().demand::<()>(Err(fault));
    }
    block
}

fn allocate_once(size: usize, alignment: usize) -> *mut u8 {
    allocate(size, alignment, C_SOURCE, c_release, || {
        heap::allocate(size, alignment)
    })
}

unsafe extern "C" fn c_release(block: *mut u8, _size: usize, _alignment: usize, _allocator: usize) {
    // SAFETY: the block came from C's allocator and is freed once, at commit.
    unsafe { heap::free(block) };
}

/// How a deferred free is carried out: block, size, alignment, allocator.
type Release = unsafe extern "C" fn(*mut u8, usize, usize, usize);
/// How an allocation is carried out: size, alignment, allocator.
type Allocate = unsafe extern "C" fn(usize, usize, usize) -> *mut u8;

fn allocate(
    size: usize,
    alignment: usize,
    source: u64,
    release: Release,
    perform: impl FnOnce() -> *mut u8,
) -> *mut u8 {
    let context = current();
    let release = release as usize as u64;
    let operands = [size as u64, alignment as u64, source, release];
    // The block as the allocator returned it: the register that carries it into the record is the
    // only other copy, and both runs would trust it.
    let mut returned = None;
    let outcome = context.events.step(Kind::Allocate, operands, |_| {
        let _scope = heap::scope();
        let address = perform().expose_provenance();
        // SAFETY: a live local.
        unsafe { (&raw mut returned).write_volatile(Some(address)) };
        [address as u64, 0]
    });
    let address = context.demand(outcome)[0] as usize;
    if address != 0 {
        let outcome = context.fresh.add(address, size);
        context.demand(outcome);
    }
    // SAFETY: a live local.
    if let Some(returned) = unsafe { (&raw const returned).read_volatile() }
        && returned != address
    {
        let fault = Fault::new(Stage::Runtime, "a new block was recorded in another place");
        context.demand::<()>(Err(fault
            .at(address)
            .values(returned as u64, address as u64)));
    }
    ptr::with_exposed_provenance_mut(address)
}

/// A block that was freed, and how to carry that out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Freed {
    block: usize,
    size: usize,
    alignment: usize,
    source: u64,
    function: Release,
    allocator: usize,
}

impl Freed {
    pub(crate) const WORDS: usize = 6;

    pub(crate) fn words(self) -> [u64; Self::WORDS] {
        [
            self.block as u64,
            self.size as u64,
            self.alignment as u64,
            self.source,
            self.function as usize as u64,
            self.allocator as u64,
        ]
    }

    /// What [`Freed::words`] gave.
    pub(crate) fn from_words(words: [u64; Self::WORDS]) -> Self {
        let [block, size, alignment, source, function, allocator] = words;
        Self {
            block: block as usize,
            size: size as usize,
            alignment: alignment as usize,
            source,
            function: release_function(function),
            allocator: allocator as usize,
        }
    }
}

fn release_function(address: u64) -> Release {
    // SAFETY: `Freed` keeps the address of a function of this type.
    unsafe { core::mem::transmute(address as usize) }
}

/// Records a free, or demands that it is the recorded one.
pub(crate) fn release(freed: Freed) {
    let context = current();
    let operands = [
        freed.block as u64,
        freed.size as u64,
        freed.alignment as u64,
        freed.source,
    ];
    let outcome = context.events.step(Kind::Free, operands, |_| {
        [freed.function as usize as u64, freed.allocator as u64]
    });
    context.demand(outcome);
}

/// Carries out a free that was deferred to the commit.
///
/// # Safety
/// The event is of kind `Free`, verified, and carried out once.
pub(crate) unsafe fn carry_out(event: &Event) {
    let [address, size, alignment, _] = event.operands;
    let [function, allocator] = event.result;
    let function = release_function(function);
    let block = ptr::with_exposed_provenance_mut(address as usize);
    // SAFETY: the application freed this block with these arguments.
    unsafe { function(block, size as usize, alignment as usize, allocator as usize) };
}

/// Frees a block that a run allocated whose record is given up.
///
/// # Safety
/// The event is of kind `Allocate` and verified, it is given back once, and what the run left in
/// memory is undone.
pub(crate) unsafe fn give_back(event: &Event) {
    let [size, alignment, allocator, function] = event.operands;
    let address = event.result[0] as usize;
    if address == 0 {
        return;
    }
    // SAFETY: `allocate` recorded a function of this type.
    let function: Release = unsafe { core::mem::transmute(function as usize) };
    let block = ptr::with_exposed_provenance_mut(address);
    // SAFETY: the allocator returned this block for these arguments, and nothing refers to it.
    unsafe { function(block, size as usize, alignment as usize, allocator as usize) };
}

// SAFETY: outside handlers every call goes to the wrapped allocator. Inside, blocks come from it
// too, once per handler; they are freed once, at commit, with the layout they were freed with.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Asc<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if handler_active() {
            // SAFETY: the caller's contract is passed on; inside a handler W2 holds.
            return unsafe { self.allocate_in_handler(layout) };
        }
        // SAFETY: the caller's contract is passed on.
        unsafe { self.0.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if handler_active() {
            // SAFETY: as for `alloc`; fresh blocks are zeroed in any case.
            return unsafe { self.allocate_in_handler(layout) };
        }
        // SAFETY: the caller's contract is passed on.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if handler_active() || in_effect() {
            let (size, alignment) = (layout.size(), layout.align());
            // SAFETY: as for `alloc`; in an effect the thread has a context, too.
            unsafe { asc_release(block, size, alignment, self.address(), release_with::<A>) };
        } else {
            // SAFETY: the caller's contract is passed on.
            unsafe { self.0.dealloc(block, layout) };
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if !handler_active() && !in_effect() {
            // SAFETY: as for `alloc`.
            return unsafe { self.0.realloc(block, layout, new_size) };
        }
        // SAFETY: the caller guarantees that the new size is valid for this alignment.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        // SAFETY: the caller guarantees that the new size is not zero.
        let grown = unsafe { self.alloc(new_layout) };
        if !grown.is_null() {
            let length = layout.size().min(new_size);
            // SAFETY: both blocks hold that many bytes, and they are distinct.
            unsafe { ptr::copy_nonoverlapping(block, grown, length) };
            // SAFETY: the caller gives up the block, which has this layout.
            unsafe { self.dealloc(block, layout) };
        }
        grown
    }
}

impl<A: GlobalAlloc> Asc<A> {
    /// # Safety
    /// As for [`GlobalAlloc::alloc`]; a handler is active.
    #[inline]
    unsafe fn allocate_in_handler(&self, layout: Layout) -> *mut u8 {
        let (size, alignment) = (layout.size(), layout.align());
        // SAFETY: by contract (W2); the address is that of the allocator the function expects.
        unsafe {
            asc_allocate(
                size,
                alignment,
                self.address(),
                allocate_with::<A>,
                release_with::<A>,
            )
        }
    }

    fn address(&self) -> usize {
        (&raw const *self).expose_provenance()
    }
}

unsafe extern "C" fn allocate_with<A: GlobalAlloc>(
    size: usize,
    alignment: usize,
    allocator: usize,
) -> *mut u8 {
    // SAFETY: `Asc` passed its address with a valid layout.
    let (allocator, layout) = unsafe { recovered::<A>(size, alignment, allocator) };
    // SAFETY: the application asked for this layout.
    unsafe { allocator.alloc(layout) }
}

unsafe extern "C" fn release_with<A: GlobalAlloc>(
    block: *mut u8,
    size: usize,
    alignment: usize,
    allocator: usize,
) {
    // SAFETY: `Asc` passed its address with a valid layout.
    let (allocator, layout) = unsafe { recovered::<A>(size, alignment, allocator) };
    // SAFETY: the application freed this block with this layout.
    unsafe { allocator.dealloc(block, layout) }
}

/// The wrapped allocator and the layout, from the words they travel in.
///
/// # Safety
/// `allocator` is the address of an `Asc<A>`, and the other two are those of a valid layout.
#[inline]
unsafe fn recovered<'a, A>(size: usize, alignment: usize, allocator: usize) -> (&'a A, Layout) {
    // SAFETY: by contract; a global allocator is a static, so it outlives every use.
    let allocator = unsafe { &*ptr::with_exposed_provenance::<Asc<A>>(allocator) };
    // SAFETY: by contract.
    let layout = unsafe { Layout::from_size_align_unchecked(size, alignment) };
    (&allocator.0, layout)
}

private_entry! {
    fn asc_allocate(
        size: usize,
        alignment: usize,
        allocator: usize,
        function: Allocate,
        release: Release,
    ) -> *mut u8;
    outside = allocate_inside; inside = allocate_inside;
}
private_entry! {
    fn asc_release(block: *mut u8, size: usize, alignment: usize, allocator: usize, function: Release);
    outside = release_in_effect; inside = release_inside;
}

extern "C" fn allocate_inside(
    size: usize,
    alignment: usize,
    allocator: usize,
    function: Allocate,
    release: Release,
) -> Returned {
    // SAFETY: `Asc` passed its own address and function.
    let perform = || unsafe { function(size, alignment, allocator) };
    Returned::pointer(allocate(
        size,
        alignment,
        allocator as u64,
        release,
        perform,
    ))
}

extern "C" fn release_inside(
    block: *mut u8,
    size: usize,
    alignment: usize,
    allocator: usize,
    function: Release,
) -> Returned {
    release(freed_by(block, size, alignment, allocator, function));
    Returned::NOTHING
}

extern "C" fn release_in_effect(
    block: *mut u8,
    size: usize,
    alignment: usize,
    allocator: usize,
    function: Release,
) {
    let freed = freed_by(block, size, alignment, allocator, function);
    current().freed.add(freed);
}

fn freed_by(
    block: *mut u8,
    size: usize,
    alignment: usize,
    allocator: usize,
    function: Release,
) -> Freed {
    Freed {
        block: block.expose_provenance(),
        size,
        alignment,
        source: allocator as u64,
        function,
        allocator,
    }
}
