//! A large block that grows while nothing follows it stays where it is.
//!
//! A program of its own, because blocks of other threads could come to lie behind it.

use std::alloc::{GlobalAlloc, Layout};

use asc_alloc::AscAlloc;

#[global_allocator]
static ALLOC: AscAlloc = AscAlloc::new();

#[test]
fn a_large_block_grows_in_place_when_nothing_follows() {
    let layout = Layout::from_size_align(64 << 20, 16).unwrap();
    // SAFETY: the size is not zero.
    let pointer = unsafe { ALLOC.alloc(layout) };
    assert!(!pointer.is_null());
    let bytes = layout.size() + (32 << 20);
    // SAFETY: allocated above with this layout.
    let grown = unsafe { ALLOC.realloc(pointer, layout, bytes) };
    let layout = Layout::from_size_align(bytes, 16).unwrap();
    // SAFETY: it has that layout now.
    unsafe { ALLOC.dealloc(grown, layout) };
    assert_eq!(grown, pointer);
}
