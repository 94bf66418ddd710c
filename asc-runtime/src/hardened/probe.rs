//! Whether the program's allocator is within the runtime's reach.
//!
//! A handler whose allocations escape would get other blocks in its second run and be blamed for
//! it, so this is found out once, before the first handler, by allocating as a handler would.

use core::alloc::Layout;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::__private::Handler;
use crate::refuse::refuse;

use super::context::Context;
use super::integrity;
use super::undo_log::own_words;

static PROBED: AtomicBool = AtomicBool::new(false);
const PROBE: Layout = Layout::new::<[u64; 3]>();
const PROBE_CLEARED_BYTES: usize = 64;
const PROBE_FRAMES_BYTES: usize = 1024;

/// Ends the process with a refusal if the allocator escapes.
#[inline]
pub(crate) fn allocator_is_within_reach(handler: &'static Handler, context: &mut Context) {
    if !PROBED.load(Ordering::Relaxed) {
        crate::setup::take_effect();
        probe(handler, context);
        PROBED.store(true, Ordering::Relaxed);
    }
}

#[cold]
fn probe(handler: &'static Handler, context: &mut Context) {
    let mut block = core::ptr::null_mut::<u8>();
    own_words().entry = ((&raw const block).addr() - PROBE_FRAMES_BYTES) & !63;
    context.result.begin(own_words(), 0);
    context.events.record();
    context.fresh.start_run();
    context.log.record(own_words());
    // SAFETY: the body stores one pointer to the cell; the words are this thread's.
    unsafe { context.enter(allocate, (&raw mut block).cast(), PROBE_CLEARED_BYTES) };
    context.log.end_recording(own_words());
    context.events.end_recording();
    let seen = matches!(context.events.count(), Ok(1));
    let covered = integrity::covers(block);
    // SAFETY: allocated above with this layout, outside a handler now.
    unsafe { std::alloc::dealloc(block, PROBE) };
    if !seen {
        refuse(format_args!(
            "handler `{}` cannot be protected: this program's global allocator does not end in the \
             C library's malloc, so its allocations would differ between the two runs. Wrap it: \
             `#[global_allocator] static ALLOCATOR: asc_runtime::Asc<YourAllocator> = \
             asc_runtime::Asc::new(YourAllocator);`",
            handler.name,
        ));
    }
    if !covered {
        refuse(format_args!(
            "handler `{}` cannot be protected: this program was built with --integrity crc, and its \
             global allocator is one whose memory has no codes. Remove it (the default is answered \
             from the protected heap), wrap the one that has codes (`asc_runtime::Asc<asc_alloc::AscAlloc>`), \
             or build with --integrity ecc on a machine with ECC memory",
            handler.name,
        ));
    }
}

unsafe extern "C" fn allocate(cell: *mut ()) {
    // SAFETY: the layout is not empty.
    let block = black_box(unsafe { std::alloc::alloc(PROBE) });
    // SAFETY: the cell is a place for a pointer.
    unsafe { cell.cast::<*mut u8>().write(block) };
}
