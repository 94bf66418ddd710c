//! A child process has one thread: what the others were about has no end there.
//!
//! 1. What a handler of another thread had stored is undone, as if it had never begun; unless it was about to
//!    change codes, for then both of its runs had agreed.
//! 2. Where another thread was at work, codes say what memory holds.
//! 3. Locks that others held are free, and the scrubber, which was a thread, starts again with the next handler.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use asc_alloc::lines::Lines;

use super::view::View;
use super::{examine, heap_lines, scrubber};
use crate::hardened::context;
use crate::refuse::refuse;

static REGISTERED: AtomicBool = AtomicBool::new(false);

/// Has every fork from now on followed by this.
pub(crate) fn register() {
    if REGISTERED.swap(true, Relaxed) {
        return;
    }
    // SAFETY: the function lives as long as the program and touches this runtime's memory alone.
    if unsafe { libc::pthread_atfork(None, None, Some(in_child)) } != 0 {
        refuse(format_args!(
            "the C library has no memory to prepare for forks: raise the memory limit (ulimit -v)"
        ));
    }
}

unsafe extern "C" fn in_child() {
    let own = context::attached().map(|context| &raw const context.log.view);
    let others = || context::views().filter(|view| own != Some(&raw const **view));
    context::views().for_each(View::release_lock);
    // SAFETY: this process's only thread; those of the other views have not come along.
    others().for_each(|view| unsafe { view.undo_for_good() });
    if let Some(lines) = heap_lines() {
        others().for_each(|view| view.for_each_place(|start, length| renew(lines, start, length)));
    }
    others().for_each(View::forget);
    examine::release_lock();
    scrubber::start_again();
}

/// Makes the codes of a range say what memory holds.
fn renew(lines: &Lines, start: usize, length: usize) {
    let last = start + length.max(1) - 1;
    let (Some(first), Some(last)) = (lines.line_of(start), lines.line_of(last)) else {
        return;
    };
    for line in (first..=last).filter(|&line| length > 0 && !lines.agrees(line)) {
        // SAFETY: a committed line, whole.
        let code = unsafe { lines.remainder_of(lines.pointer(lines.address_of(line))) };
        lines.stored(line).store(code, Relaxed);
    }
}
