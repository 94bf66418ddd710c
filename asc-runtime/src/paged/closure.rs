//! Closures that a handler runs once: [`crate::effect`].
//!
//! 1. In the first run the closure is called on a stack of its own, with everything open.
//! 2. What it has changed of the handler's stack, of its callers', of protected pages and of words that the
//!    handler had stored to is recorded under a checksum, its result among it: that lies in a frame of the
//!    handler. What it freed is recorded as the handler's own frees.
//! 3. The second run must bring the same closure with the same captured bytes. It finds the same changes
//!    and frees the same blocks, and the closure is not called.
//!
//! Other memory keeps what the closure did to it, in every run and after a rollback: the world outside
//! is not undone. Blocks that the closure allocates are ordinary memory.
//!
//! Event: `Effect [closure, code, sum of the captured bytes, their length] -> [checksum, payload]`.
//! The payload: `[frees, changes, bytes in all]`, the frees as `[address, size, alignment]`, and each change
//! as `[address, length, bytes]`.

use core::ptr;

use crate::checksum::crc32c;
use crate::fault::{Fault, Stage};
use crate::refuse::refuse;

use super::Returned;
use super::allocation::free_inside;
use super::context::{Context, current};
use super::effect::CLOSURE;
use super::event_log::{EventLog, Kind};
use super::mapping::Mapping;
use super::memory::sum_of;
use super::sys::{call_on_stack, own_words, private_entry, thread_words};

/// Words at the start of a payload.
const HEADER_WORDS: usize = 3;
const FREE_WORDS: usize = 3;
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
    if !context.stack.contains(result.addr()) {
        refuse(format_args!(
            "handler `{}` calls `effect` on a stack that is not its own: call it outside of \
             coroutines and of code that switches stacks",
            context.handler_name()
        ));
    }
    // SAFETY: the closure is live.
    let bytes = unsafe { core::slice::from_raw_parts(*captured, *captured_bytes) };
    let operands = [
        CLOSURE,
        *function as usize as u64,
        crc32c(bytes).into(),
        *captured_bytes as u64,
    ];
    let recorded = if context.events.is_replaying() {
        [0; 2]
    } else {
        let frame = call.addr().min(result.addr());
        // SAFETY: by contract of the entry.
        unsafe { record(*function, call, frame) }
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

/// Calls the closure and records what it did; returns the payload's checksum and offset. The handler's
/// frames lie from `frame` on.
///
/// # Safety
/// `function` may be called with `call`.
unsafe fn record(
    function: unsafe extern "C" fn(*const ()),
    call: *const Call,
    frame: usize,
) -> [u64; 2] {
    let context = current();
    context.stack.keep(frame);
    context.caller.capture_all();
    context.surroundings.keep();
    if let Some(session) = &mut context.session {
        session.capture();
    }
    context.freed.count = 0;
    let top = context.effect_stack.top();
    own_words().in_effect = 1;
    // SAFETY: by contract; effects do not nest, so nothing stands on that stack.
    unsafe { call_on_stack(function, call.cast(), top) };
    // SAFETY: this thread's words (W1); the closure may have looked at them.
    unsafe { (*thread_words()).in_effect = 0 };
    let context = current();
    let offset = write_payload(context);
    let payload = Payload::at(&context.events, offset);
    [payload.checksum(), offset]
}

fn write_payload(context: &mut Context) -> u64 {
    let Context {
        events,
        freed,
        stack,
        caller,
        surroundings,
        session,
        ..
    } = context;
    let offset = events.reserve(HEADER_WORDS * 8);
    for index in 0..freed.count {
        freed
            .get(index)
            .into_iter()
            .for_each(|word| append_word(events, word));
    }
    let mut changes = 0;
    let mut note = |address: usize, bytes: &[u8]| {
        append_word(events, address as u64);
        append_word(events, bytes.len() as u64);
        let target = events.reserve(bytes.len());
        // SAFETY: room reserved just now.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), events.payload(target), bytes.len());
        }
        changes += 1;
    };
    stack.changes(&mut note);
    caller.changes(&mut note);
    surroundings.changes(&mut note);
    if let Some(session) = session {
        session.changes_since_capture(&mut note);
    }
    let bytes = events.reserve(0) - offset;
    let header = [freed.count as u64, changes, bytes];
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

    /// Writes what the closure wrote. In the run that called it, that is there already.
    fn bring_back(&self) {
        let mut offset = (HEADER_WORDS + self.word(0) * FREE_WORDS) * 8;
        for _ in 0..self.word(1) {
            let (address, length) = (self.word(offset / 8), self.word(offset / 8 + 1));
            let source = self.start.wrapping_add(offset + 16);
            let target = ptr::with_exposed_provenance_mut::<u8>(address);
            // SAFETY: the closure wrote there in the first run; the payload holds as many bytes.
            unsafe { ptr::copy_nonoverlapping(source, target, length) };
            offset += 16 + length.next_multiple_of(8);
        }
    }

    /// Frees what the closure freed, as the handler's own frees.
    fn free(&self) {
        for index in 0..self.word(0) {
            let at = HEADER_WORDS + index * FREE_WORDS;
            let block = ptr::with_exposed_provenance_mut(self.word(at));
            free_inside(block, self.word(at + 1), self.word(at + 2));
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

type Freed = [u64; FREE_WORDS];

impl FreedInEffect {
    pub(crate) fn new() -> Self {
        Self {
            blocks: Mapping::new(FREES_MIN * size_of::<Freed>()),
            count: 0,
        }
    }

    /// Keeps a block until the handler commits.
    pub(crate) fn add(&mut self, block: *mut u8, size: usize, alignment: usize) {
        let bytes = (self.count + 1) * size_of::<Freed>();
        if bytes > self.blocks.len() {
            self.blocks.grow(bytes);
        }
        let freed = [
            block.expose_provenance() as u64,
            size as u64,
            alignment as u64,
        ];
        // SAFETY: the mapping was grown to hold this index.
        unsafe { self.pointer(self.count).write(freed) };
        self.count += 1;
    }

    fn get(&self, index: usize) -> Freed {
        // SAFETY: below the count, so initialised.
        unsafe { self.pointer(index).read() }
    }

    fn pointer(&self, index: usize) -> *mut Freed {
        self.blocks.base().cast::<Freed>().wrapping_add(index)
    }
}

/// Calls `note` with each run of words in which `now` differs from `before`.
///
/// # Safety
/// Both are valid for reads of `length` bytes, a multiple of 8.
pub(crate) unsafe fn differences(
    before: *const u8,
    now: *const u8,
    length: usize,
    note: &mut impl FnMut(usize, &[u8]),
) {
    // SAFETY: by contract.
    let before = unsafe { core::slice::from_raw_parts(before, length) };
    // SAFETY: by contract.
    let found = unsafe { core::slice::from_raw_parts(now, length) };
    let pairs = before.chunks(8).zip(found.chunks(8)).enumerate();
    for (index, (_, word)) in pairs.filter(|(_, (before, now))| before != now) {
        note(now.addr() + index * 8, word);
    }
}
