//! SQLite's heap: Rust's global allocator in the place of C's `malloc`.
//!
//! In page mode what SQLite allocates in a handler, or in `protected`, is protected memory thereby. The
//! heap knows its blocks, so that faults can strike any byte that the C code has.
//!
//! H1: each block has a header in front, with its length (SQLite frees without one) and its place in
//! the list of blocks, where it stands exactly once.

use std::alloc::{Layout, alloc, dealloc, realloc};
use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::ptr;

use rusqlite::ffi;

use asc_hardened_tests::page_mode::protected;

const HEADER_BYTES: usize = size_of::<Header>();
/// What SQLite relies on.
const ALIGNMENT: usize = 8;

#[derive(Debug, Clone, Copy)]
#[repr(C, align(8))]
struct Header {
    length: u32,
    place: u32,
}

/// The live blocks, as the addresses of their headers. The list lies on the heap: in page mode a static
/// would change store by store.
struct Blocks(UnsafeCell<*mut Vec<usize>>);

// SAFETY: this program has one thread.
unsafe impl Sync for Blocks {}

static BLOCKS: Blocks = Blocks(UnsafeCell::new(ptr::null_mut()));

/// Has SQLite allocate from Rust's global allocator. Before anything else is called of SQLite.
///
/// # Panics
/// If something was.
pub(crate) fn make_rusts() {
    let list = Box::into_raw(protected(Box::<Vec<usize>>::default));
    // SAFETY: one thread, and nobody has looked at it yet.
    unsafe { *BLOCKS.0.get() = list };
    let methods = ffi::sqlite3_mem_methods {
        xMalloc: Some(allocate),
        xFree: Some(free),
        xRealloc: Some(reallocate),
        xSize: Some(length),
        xRoundup: Some(round_up),
        xInit: Some(begin),
        xShutdown: Some(end),
        pAppData: ptr::null_mut(),
    };
    // SAFETY: SQLite copies the structure; the functions are those of an allocator.
    let status = unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_MALLOC, &raw const methods) };
    assert_eq!(status, ffi::SQLITE_OK, "SQLite was used before");
    // SAFETY: a number. What it counts of memory are statics.
    let status = unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_MEMSTATUS, 0) };
    assert_eq!(status, ffi::SQLITE_OK, "SQLite was used before");
}

/// Every block that SQLite has: address and bytes.
pub(crate) fn blocks() -> impl Iterator<Item = (*mut u8, usize)> {
    list().iter().map(|&address| {
        let header = ptr::with_exposed_provenance_mut::<Header>(address);
        // SAFETY: H1.
        let bytes = unsafe { (*header).length } as usize;
        (header.wrapping_add(1).cast(), bytes)
    })
}

fn list() -> &'static mut Vec<usize> {
    // SAFETY: one thread.
    let list = unsafe { *BLOCKS.0.get() };
    // SAFETY: set before SQLite's first call, and never freed; nobody keeps the reference.
    unsafe { &mut *list }
}

unsafe extern "C" fn allocate(length: c_int) -> *mut c_void {
    let Some(layout) = layout(length) else {
        return ptr::null_mut();
    };
    // SAFETY: never empty, because of the header.
    let block: *mut Header = unsafe { alloc(layout) }.cast();
    if block.is_null() {
        return ptr::null_mut();
    }
    let place = list().len() as u32;
    list().push(block.expose_provenance());
    let length = length as u32;
    // SAFETY: the block begins with room for it.
    unsafe { block.write(Header { length, place }) };
    block.wrapping_add(1).cast()
}

unsafe extern "C" fn free(block: *mut c_void) {
    let header = block.cast::<Header>().wrapping_sub(1);
    // SAFETY: H1: SQLite frees what it was given.
    let Header { length, place } = unsafe { *header };
    list().swap_remove(place as usize);
    if let Some(&moved) = list().get(place as usize) {
        let moved = ptr::with_exposed_provenance_mut::<Header>(moved);
        // SAFETY: H1: the block that was last in the list stands here now.
        unsafe { (*moved).place = place };
    }
    let layout = layout(length as c_int).expect("it was allocated with that length");
    // SAFETY: its layout.
    unsafe { dealloc(header.cast(), layout) };
}

unsafe extern "C" fn reallocate(block: *mut c_void, length: c_int) -> *mut c_void {
    let Some(wanted) = layout(length) else {
        return ptr::null_mut();
    };
    let header = block.cast::<Header>().wrapping_sub(1);
    // SAFETY: H1: SQLite was given the block.
    let Header { length: old, place } = unsafe { *header };
    let old = layout(old as c_int).expect("it was allocated with that length");
    // SAFETY: its layout, and a length that is not 0.
    let moved: *mut Header = unsafe { realloc(header.cast(), old, wanted.size()) }.cast();
    if moved.is_null() {
        return ptr::null_mut();
    }
    list()[place as usize] = moved.expose_provenance();
    let length = length as u32;
    // SAFETY: the block begins with room for it.
    unsafe { moved.write(Header { length, place }) };
    moved.wrapping_add(1).cast()
}

unsafe extern "C" fn length(block: *mut c_void) -> c_int {
    let header = block.cast::<Header>().wrapping_sub(1);
    // SAFETY: H1: SQLite was given the block.
    unsafe { (*header).length as c_int }
}

unsafe extern "C" fn round_up(length: c_int) -> c_int {
    length.saturating_add(ALIGNMENT as c_int - 1) & !(ALIGNMENT as c_int - 1)
}

unsafe extern "C" fn begin(_: *mut c_void) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn end(_: *mut c_void) {}

/// Of a block with its header; `None` for a length that no block has.
fn layout(length: c_int) -> Option<Layout> {
    let bytes = usize::try_from(length).ok()? + HEADER_BYTES;
    Layout::from_size_align(bytes, ALIGNMENT).ok()
}
