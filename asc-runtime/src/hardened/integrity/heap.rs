//! The protected heap: what is allocated in handlers and in [`protected`](crate::protected()) scopes.
//!
//! A program keeps its allocator. C's `malloc` and its kin, which Rust's default allocator calls too, are
//! answered from [`AscAlloc`]'s protected arena in those two places, and `free` tells by the address
//! where a block belongs. Everything else is ordinary memory: buffers that the kernel or C code writes to
//! without hooks do not belong under codes.

use core::alloc::{GlobalAlloc as _, Layout};
use core::ffi::c_int;
use core::ptr;
use core::sync::atomic::Ordering::{Relaxed, Release};

use asc_alloc::lines::Lines;
use asc_alloc::{AscAlloc, OrdinaryScope, ProtectedScope};

use super::{fork, heap_lines, outside, settings};
use crate::hardened::sys::checks::words::line_words;
use crate::refuse::refuse;

static ALLOC: AscAlloc = AscAlloc::new();

unsafe extern "C" {
    fn __real_malloc(size: usize) -> *mut u8;
    fn __real_calloc(count: usize, size: usize) -> *mut u8;
    fn __real_realloc(block: *mut u8, size: usize) -> *mut u8;
    fn __real_free(block: *mut u8);
    fn __real_posix_memalign(block: *mut *mut u8, alignment: usize, size: usize) -> c_int;
    fn __real_aligned_alloc(alignment: usize, size: usize) -> *mut u8;
    fn __real_memalign(alignment: usize, size: usize) -> *mut u8;
    fn __real_malloc_usable_size(block: *mut u8) -> usize;
}

/// Alignment that C's allocator gives without being asked.
const C_ALIGNMENT: usize = 16;

/// The codes, started if they are not yet. Ends the process with a refusal where they cannot be.
pub(crate) fn start() -> &'static Lines {
    if let Some(lines) = heap_lines() {
        if line_words().bytes.load(Relaxed) == 0 {
            // Another thread has started them and not come to say so. Nothing may be allocated before that:
            // the stores that initialise it would not be seen.
            publish(lines);
        }
        return lines;
    }
    match Lines::start(settings::settings().line_bytes, super::examine_or_stop) {
        Ok(lines) => {
            fork::register();
            publish(lines)
        }
        Err(error) => refuse(format_args!(
            "no line codes for the protected heap: {error}"
        )),
    }
}

/// While it lives, the thread allocates protected memory.
pub(crate) fn scope() -> ProtectedScope {
    start();
    ProtectedScope::enter()
}

/// While it lives, the thread allocates ordinary memory: the runtime's own stores have no hooks.
pub(crate) fn ordinary() -> OrdinaryScope {
    OrdinaryScope::enter()
}

/// A block of the protected heap; null without memory.
pub(crate) fn allocate(size: usize, alignment: usize) -> *mut u8 {
    let Ok(layout) = Layout::from_size_align(size.max(1), alignment) else {
        return ptr::null_mut();
    };
    let _scope = scope();
    // SAFETY: the layout is not empty.
    unsafe { ALLOC.alloc(layout) }
}

/// A block in the heap that `block` is in; where that is null, in the one for the scope.
pub(crate) fn allocate_beside(block: *mut u8, size: usize) -> *mut u8 {
    if AscAlloc::is_protected(block) {
        return allocate(size, C_ALIGNMENT);
    }
    // SAFETY: C's allocator takes any size.
    unsafe { malloc(size) }
}

/// Frees a block of C's allocator or of the protected heap.
///
/// # Safety
/// The block was allocated by one of the two, and is not used any more.
pub(crate) unsafe fn free(block: *mut u8) {
    if AscAlloc::is_protected(block) {
        // SAFETY: by contract.
        unsafe { ALLOC.release(block) }
    } else {
        // SAFETY: by contract.
        unsafe { __real_free(block) }
    }
}

/// Bytes of a block of one of the two.
pub(crate) fn usable_bytes(block: *mut u8) -> usize {
    if AscAlloc::is_protected(block) {
        return AscAlloc::block_bytes(block).unwrap_or(0);
    }
    // SAFETY: null, or a block of C's allocator.
    unsafe { __real_malloc_usable_size(block) }
}

/// Lets the assembly know the lines. Threads that start them at once all say the same.
fn publish(lines: &'static Lines) -> &'static Lines {
    let (start, bytes) = lines.arena();
    let words = line_words();
    words
        .start
        .store(start.as_ptr().expose_provenance(), Relaxed);
    words
        .shift
        .store(lines.line_bytes().trailing_zeros().into(), Relaxed);
    words.line_bytes.store(lines.line_bytes() as u64, Relaxed);
    words
        .table
        .store(lines.table().as_ptr().expose_provenance(), Relaxed);
    words.bytes.store(bytes, Release);
    lines
}

// The C allocator outside of handlers.

pub(crate) unsafe extern "C" fn malloc(size: usize) -> *mut u8 {
    if ProtectedScope::is_entered() {
        return allocate(size, C_ALIGNMENT);
    }
    // SAFETY: C's allocator takes any size.
    unsafe { __real_malloc(size) }
}

pub(crate) unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut u8 {
    if !ProtectedScope::is_entered() {
        // SAFETY: C's allocator takes any size.
        return unsafe { __real_calloc(count, size) };
    }
    let Some(bytes) = count.checked_mul(size) else {
        return ptr::null_mut();
    };
    start();
    match Layout::from_size_align(bytes.max(1), C_ALIGNMENT) {
        // SAFETY: the layout is not empty. The allocator lets the codes follow its zeroes.
        Ok(layout) => unsafe { ALLOC.alloc_zeroed(layout) },
        Err(_) => ptr::null_mut(),
    }
}

pub(crate) unsafe extern "C" fn realloc(block: *mut u8, size: usize) -> *mut u8 {
    let is_protected = AscAlloc::is_protected(block);
    if !is_protected && !ProtectedScope::is_entered() {
        // SAFETY: passed on under the caller's contract.
        return unsafe { __real_realloc(block, size) };
    }
    if is_protected && size <= usable_bytes(block) && size > usable_bytes(block) / 2 {
        return block;
    }
    let grown = allocate_beside(block, size);
    if !grown.is_null() && !block.is_null() {
        let length = usable_bytes(block).min(size);
        // SAFETY: both blocks hold that many bytes, and they are distinct.
        unsafe { outside::copy(grown, block, length) };
        // SAFETY: the caller gives the block up.
        unsafe { free(block) };
    }
    grown
}

pub(crate) unsafe extern "C" fn posix_memalign(
    block: *mut *mut u8,
    alignment: usize,
    size: usize,
) -> c_int {
    if !ProtectedScope::is_entered() {
        // SAFETY: passed on under the caller's contract.
        return unsafe { __real_posix_memalign(block, alignment, size) };
    }
    let allocated = allocate(size, alignment);
    if allocated.is_null() {
        return libc::ENOMEM;
    }
    // SAFETY: the caller passed a place for the result, on its stack.
    unsafe { block.write(allocated) };
    0
}

pub(crate) unsafe extern "C" fn aligned_alloc(alignment: usize, size: usize) -> *mut u8 {
    if ProtectedScope::is_entered() {
        return allocate(size, alignment);
    }
    // SAFETY: passed on under the caller's contract.
    unsafe { __real_aligned_alloc(alignment, size) }
}

pub(crate) unsafe extern "C" fn memalign(alignment: usize, size: usize) -> *mut u8 {
    if ProtectedScope::is_entered() {
        return allocate(size, alignment);
    }
    // SAFETY: passed on under the caller's contract.
    unsafe { __real_memalign(alignment, size) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_malloc_usable_size(block: *mut u8) -> usize {
    usable_bytes(block)
}
