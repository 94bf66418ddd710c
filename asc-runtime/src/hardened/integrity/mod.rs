//! Line codes over the protected heap, for machines without ECC memory: builds with `--integrity crc`.
//!
//! What lies in the protected heap ([`heap`]) has a CRC32C per line, which
//! [`asc_alloc::lines`] keeps. The life of a line in a handler:
//!
//! 1. Before the first run first reads or writes in it, the line is verified and joins the thread's set of
//!    lines ([`line_set`]; the fast path is assembly, [`checks`](super::sys::checks)). A mismatch is
//!    told from another thread's open stores ([`examine`], [`view`]); a single flipped bit is corrected.
//! 2. The rollback of the first run says what each store changes, and so by what each line's code will.
//! 3. When both runs agree, every changed line must hold what its code will say.
//! 4. The commit changes the codes, by exclusive or: of a line nothing but the stored words is sealed,
//!    so what rots beside them stays visible.
//!
//! Stores from outside of handlers are followed too ([`outside`]); reads there are not checked.
//!
//! # What is protected
//!
//! Blocks that are allocated in handlers and in [`protected`](crate::protected()) scopes, with C's
//! allocator (Rust's default) or with [`AscAlloc`] in [`Asc`](crate::Asc). Other
//! global allocators are refused at the first handler. Statics, stacks and what was allocated elsewhere
//! rest unprotected.

pub(crate) mod examine;
mod fork;
pub(crate) mod heap;
pub(crate) mod line_set;
pub(crate) mod outside;
pub(crate) mod received;
mod report;
pub(crate) mod scrubber;
mod settings;
pub(crate) mod view;
mod yielding_lock;

use asc_alloc::AscAlloc;
use asc_alloc::lines::Lines;

use self::line_set::own_check_words;
use super::context::{Context, attached, current};
use super::memory::demand_end;
use super::sys::{fill_bytes, in_effect};
use super::undo_log::Entry;
use crate::fault::Fault;
use crate::incident;
use crate::statistics::IntegrityStatistics;

pub(crate) use self::line_set::LineSet;
pub(crate) use self::view::View;

/// The codes, once something protected was allocated.
pub(crate) fn heap_lines() -> Option<&'static Lines> {
    Lines::get()
}

/// Before a handler begins.
pub(crate) fn begin_handler() {
    outside::settle();
    scrubber::start_once();
}

/// A pair of runs begins: it relies on no line that was not verified for it.
pub(crate) fn begin_pair(context: &mut Context) {
    context.lines.begin();
}

/// The log is empty, the first run begins.
pub(crate) fn begin_recording(context: &mut Context) {
    context.lines.forget_changes();
    context.log.view.enter_handler();
}

/// The body is about to run.
pub(crate) fn begin_run(run: u32) {
    own_check_words().checking = u64::from(run == 1);
}

/// It has run.
pub(crate) fn end_run() {
    own_check_words().checking = 0;
}

/// Verifies the lines of a range that a handler's run is about to read or write.
#[inline]
pub(crate) fn check_range(context: &mut Context, address: usize, length: usize) {
    if own_check_words().checking == 0 || !outside::is_protected(address) {
        return;
    }
    if let Some(lines) = heap_lines() {
        let outcome = context.lines.check(lines, address, length);
        context.demand(outcome);
    }
}

/// In a rollback, before an entry's old bytes return: what that store has changed.
#[inline]
pub(crate) fn note_change(set: &mut LineSet, entry: &Entry, old_range: *const u8) {
    // Also before there are codes: another thread may start them before this handler is compared.
    set.count_noted();
    let Some(lines) = heap_lines() else {
        return;
    };
    if entry.is_range() {
        // SAFETY: E1 and L2.
        unsafe { set.note_range(lines, entry.address, entry.length, old_range) };
    } else {
        set.note_word(lines, entry.address, entry.length, entry.old);
    }
}

/// A handler's run is about to call a closure that happens once. What the closure stores is outside of the
/// record, and codes follow it at once; so they are made to say what memory holds now.
pub(crate) fn begin_effect(context: &mut Context) {
    let Some(lines) = heap_lines() else {
        return;
    };
    context.lines.gather(lines, &context.log.view);
    context.log.view.begin_changing();
    context.lines.commit(lines);
    context.log.view.leave_handler();
}

/// The closure has returned, and what it changed of the record is as it was before: so are the codes.
pub(crate) fn end_effect(context: &mut Context) {
    let Some(lines) = heap_lines() else {
        return;
    };
    context.log.view.begin_changing();
    context.lines.commit(lines);
    context.lines.forget_changes();
    context.log.view.enter_handler();
}

/// The program's panic hook is about to be called, which is an effect of its own.
pub(crate) fn begin_hook(context: &mut Context) {
    begin_effect(context);
}

/// It has returned.
pub(crate) fn end_hook(context: &mut Context) {
    outside::settle();
    end_effect(context);
}

/// Demands that the changed lines hold what their codes will say.
pub(crate) fn compare(context: &Context) -> Result<(), Fault> {
    let Some(lines) = heap_lines() else {
        return Ok(());
    };
    context.lines.compare(lines, context.log.recorded()?.len())
}

/// Changes the codes.
pub(crate) fn commit(context: &Context) {
    if let Some(lines) = heap_lines() {
        context.log.view.begin_changing();
        context.lines.commit(lines);
    }
}

/// The handler has been committed or rolled back.
pub(crate) fn end_handler(context: &Context) {
    context.log.view.leave_handler();
}

/// Whether stores to new blocks must be in the log: the codes follow what it says.
pub(crate) const LOGS_NEW_BLOCKS: bool = true;

/// Zeroes a block that a run has allocated. The first run's zeroes are permanent, codes included: nobody
/// else looks at the block. The second run finds them there.
pub(crate) fn clear_new_block(block: *mut u8, end: usize, size: usize) -> Result<(), Fault> {
    match heap_lines() {
        Some(lines) if AscAlloc::is_protected(block) => {
            if own_check_words().checking != 0 {
                // SAFETY: F1; the handler has just allocated it.
                unsafe { lines.zero(block, size) };
            }
            Ok(())
        }
        // SAFETY: F1.
        _ => demand_end(end, unsafe { fill_bytes(block, 0, size) }),
    }
}

/// Whether a block is one that is protected.
pub(crate) fn covers(block: *const u8) -> bool {
    AscAlloc::is_protected(block)
}

/// Where the codes lie: start and length.
pub(crate) fn table_range() -> Option<(usize, usize)> {
    let lines = heap_lines()?;
    let (_, bytes) = lines.arena();
    let length = lines.code_bytes(bytes as u64) as usize;
    Some((lines.table().as_ptr().addr(), length))
}

/// What there is, and what was found.
pub(crate) fn statistics() -> IntegrityStatistics {
    let Some(lines) = heap_lines() else {
        return IntegrityStatistics::default();
    };
    let protected_bytes = asc_alloc::statistics().protected.committed_bytes;
    let (scrub_passes, scrub_bytes) = scrubber::progress();
    IntegrityStatistics {
        protected_bytes,
        lines: protected_bytes / lines.line_bytes() as u64,
        line_bytes: lines.line_bytes() as u64,
        code_bytes: lines.code_bytes(protected_bytes),
        corrected_bits: examine::corrected_bits(),
        scrub_passes,
        scrub_bytes,
    }
}

/// What looks at a line that does not seem to agree with its code, wherever that is found.
fn examine_or_stop(line: usize) {
    let Some(lines) = heap_lines() else {
        return;
    };
    let outcome = examine::settle(lines, line);
    if own_check_words().checking != 0 && !in_effect() {
        return current().demand(outcome);
    }
    if let Err(fault) = outcome {
        let handler = attached().map_or("", Context::handler_name);
        incident::stop(handler, 0, &fault);
    }
}
