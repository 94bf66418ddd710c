//! Closures that a handler runs once: [`crate::effect`].
//!
//! 1. In the first run the working set is copied and the closure called, outside of the handler's
//!    record and on a stack of its own.
//! 2. What it has changed of the working set is recorded under a checksum, its result among it: that
//!    lies in a frame of the handler. What it freed is recorded as the handler's own frees.
//! 3. The second run must bring the same closure with the same captured bytes. It finds the same
//!    changes and frees the same blocks, and the closure is not called.
//!
//! Memory that the handler has not touched before keeps what the closure did to it, in every run and
//! after a rollback: the world outside is not undone. Nothing that such memory or a rolled-back word
//! may still point to is gone before the commit, because the closure's frees wait for it.
//!
//! Where lines have codes, what the closure changed of the working set is put back first and then stored as
//! the handler's own: the codes follow the log.
//!
//! Event: `Effect [closure, code, sum of the captured bytes, their length] -> [checksum, payload]`.
//! The payload: `[frees, changes, bytes in all]`, the frees, and each change as
//! `[address, length, bytes]`.

use core::ptr;

use crate::checksum::crc32c;
use crate::fault::{Fault, Stage};
use crate::refuse::refuse;

use super::Returned;
use super::allocation::{Freed, release};
use super::context::{Context, current};
use super::effect::Function;
use super::event_log::{EventLog, Kind};
use super::integrity::{self, outside};
use super::mapping::Mapping;
use super::memory::sum_of;
use super::sys::{call_on_stack, private_entry, thread_words};
use super::undo_log::own_words;

/// Words at the start of a payload.
const HEADER_WORDS: usize = 3;
const FREES_MIN: usize = 128;

/// A call of a closure, in the frame of the handler that asks for it.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Call {
    /// Calls the closure and leaves its result in the handler's frame; given this structure.
    pub(crate) function: unsafe extern "C" fn(*const ()),
    /// What the closure has captured.
    pub(crate) captured: *const u8,
    /// Bytes of that.
    pub(crate) captured_bytes: usize,
    /// Where the result goes.
    pub(crate) result: *mut u8,
}

private_entry! {
    /// Calls the closure in the first run and brings its effects back in the second.
    ///
    /// Only inside a handler, with a [`Call`] that lives across it and does not unwind.
    pub(crate) fn asc_effect(call: *const Call);
    outside = effect_inside; inside = effect_inside;
}

unsafe extern "C" fn effect_inside(call: *const Call) -> Returned {
    // SAFETY: the caller's live structure.
    let live = unsafe { &*call };
    let Call {
        function,
        captured,
        captured_bytes,
        result,
    } = live;
    let context = current();
    if !context.is_local(result.addr()) {
        refuse(format_args!(
            "handler `{}` calls `effect` on a stack that is not its own: call it outside of \
             coroutines and of code that switches stacks",
            context.handler_name()
        ));
    }
    // SAFETY: the closure is live.
    let bytes = unsafe { core::slice::from_raw_parts(*captured, *captured_bytes) };
    let operands = [
        Function::Closure as u64,
        *function as usize as u64,
        crc32c(bytes).into(),
        *captured_bytes as u64,
    ];
    let recorded = if context.events.is_replaying() {
        [0; 2]
    } else {
        // SAFETY: by contract of the entry.
        unsafe { record(*function, call) }
    };
    let context = current();
    let outcome = context
        .events
        .step(Kind::Effect, operands, |_| recorded)
        .and_then(|[checksum, offset]| Payload::verified(&context.events, offset, checksum));
    let payload = context.demand(outcome);
    payload.bring_back();
    payload.free();
    Returned::NOTHING
}

/// Calls the closure and records what it did; returns the payload's checksum and offset.
///
/// # Safety
/// `function` may be called with `call`.
unsafe fn record(function: unsafe extern "C" fn(*const ()), call: *const Call) -> [u64; 2] {
    let context = current();
    context
        .working_set
        .keep(own_words(), &context.log, &context.fresh);
    context.freed.start();
    integrity::begin_effect(context);
    let top = context.effect_stack.top();
    own_words().in_effect = 1;
    // SAFETY: by contract; effects do not nest, so nothing stands on that stack.
    unsafe { call_on_stack(function, call.cast(), top) };
    // SAFETY: this thread's words (W1); the closure may have looked at them.
    unsafe { (*thread_words()).in_effect = 0 };
    let context = current();
    outside::settle();
    let offset = write_payload(context);
    context.working_set.undo_protected();
    integrity::end_effect(context);
    let payload = Payload::at(&context.events, offset);
    [payload.checksum(), offset]
}

fn write_payload(context: &mut Context) -> u64 {
    let events = &mut context.events;
    let offset = events.reserve(HEADER_WORDS * 8);
    for index in 0..context.freed.count {
        for word in context.freed.get(index).words() {
            append_word(events, word);
        }
    }
    let mut changes = 0;
    context.working_set.changes(|address, length| {
        append_word(events, address as u64);
        append_word(events, length as u64);
        let target = events.reserve(length);
        let source = ptr::with_exposed_provenance::<u8>(address);
        // SAFETY: a piece of the working set (S1), and room reserved just now.
        unsafe { ptr::copy_nonoverlapping(source, events.payload(target), length) };
        changes += 1;
    });
    let bytes = events.reserve(0) - offset;
    let header = [context.freed.count as u64, changes, bytes];
    for (index, word) in header.into_iter().enumerate() {
        let target = events.payload(offset + index as u64 * 8).cast::<u64>();
        // SAFETY: the header's room; payloads are aligned for words.
        unsafe { target.write(word) };
    }
    offset
}

fn append_word(events: &mut EventLog, word: u64) {
    let offset = events.reserve(8);
    // SAFETY: room reserved just now, aligned for words.
    unsafe { events.payload(offset).cast::<u64>().write(word) };
}

/// What a closure did, as it was recorded.
struct Payload {
    start: *const u8,
}

impl Payload {
    fn at(events: &EventLog, offset: u64) -> Self {
        Self {
            start: events.payload(offset).cast_const(),
        }
    }

    /// The payload at `offset`, if it is what was recorded.
    fn verified(events: &EventLog, offset: u64, checksum: u64) -> Result<Self, Fault> {
        let payload = Self::at(events, offset);
        let found =
            if events.holds(offset, HEADER_WORDS * 8) && events.holds(offset, payload.bytes()) {
                payload.checksum()
            } else {
                !checksum
            };
        if found == checksum {
            return Ok(payload);
        }
        Err(
            Fault::new(Stage::Runtime, "the record of an effect is damaged")
                .values(checksum, found),
        )
    }

    /// Writes what the closure wrote. In the run that called it, that is there already, but for what
    /// has a code.
    fn bring_back(&self) {
        let mut offset = (HEADER_WORDS + self.word(0) * Freed::WORDS) * 8;
        for _ in 0..self.word(1) {
            let (address, length) = (self.word(offset / 8), self.word(offset / 8 + 1));
            let source = self.start.wrapping_add(offset + 16);
            let target = ptr::with_exposed_provenance_mut::<u8>(address);
            if outside::is_protected(address) {
                current().store(address, length);
            }
            // SAFETY: S1 for the target: both runs have the same working set; the payload holds as
            // many bytes.
            unsafe { ptr::copy_nonoverlapping(source, target, length) };
            offset += 16 + length.next_multiple_of(8);
        }
    }

    /// Frees what the closure freed, as the handler's own frees.
    fn free(&self) {
        for index in 0..self.word(0) {
            let at = HEADER_WORDS + index * Freed::WORDS;
            release(Freed::from_words(core::array::from_fn(|word| {
                self.word(at + word) as u64
            })));
        }
    }

    fn checksum(&self) -> u64 {
        // SAFETY: a written payload, or one whose length was checked.
        let bytes = unsafe { core::slice::from_raw_parts(self.start, self.bytes()) };
        sum_of([crc32c(bytes).into(), bytes.len() as u64])
    }

    fn bytes(&self) -> usize {
        self.word(2)
    }

    fn word(&self, index: usize) -> usize {
        // SAFETY: inside the payload, which is aligned for words.
        unsafe { self.start.cast::<u64>().wrapping_add(index).read() as usize }
    }
}

/// What the closure in progress has freed.
#[derive(Debug)]
pub(crate) struct FreedInEffect {
    blocks: Mapping,
    count: usize,
}

impl FreedInEffect {
    pub(crate) fn new() -> Self {
        Self {
            blocks: Mapping::new(FREES_MIN * size_of::<Freed>()),
            count: 0,
        }
    }

    const fn start(&mut self) {
        self.count = 0;
    }

    /// Keeps a block until the handler commits.
    pub(crate) fn add(&mut self, freed: Freed) {
        let bytes = (self.count + 1) * size_of::<Freed>();
        if bytes > self.blocks.len() {
            self.blocks.grow(bytes);
        }
        // SAFETY: the mapping was grown to hold this index.
        unsafe { self.pointer(self.count).write(freed) };
        self.count += 1;
    }

    /// Where the list lies.
    pub(crate) fn range(&self) -> (usize, usize) {
        self.blocks.range()
    }

    fn get(&self, index: usize) -> Freed {
        // SAFETY: below the count, so initialised.
        unsafe { self.pointer(index).read() }
    }

    fn pointer(&self, index: usize) -> *mut Freed {
        self.blocks.base().cast::<Freed>().wrapping_add(index)
    }
}
