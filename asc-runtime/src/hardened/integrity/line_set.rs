//! The lines that a handler has relied on, and what its stores will change their codes by.
//!
//! 1. A line joins when the handler first reads or writes in it, and has been verified then. The set is
//!    exact: a line that the handler has written to is never verified again, its bytes are under way.
//! 2. The rollback says what each store has changed ([`LineSet::note_word`], [`LineSet::note_range`]); the changes of a line are
//!    summed beside it.
//! 3. When both runs agree, [`LineSet::compare`] demands that every store was noted and that each changed
//!    line holds what its code would then say, and [`LineSet::commit`] changes the codes.
//!
//! Open addressing in memory of the runtime's own; the assembly in [`checks`](crate::hardened::sys::checks)
//! looks lines up and adds them too. A key carries the handler's tag, so a new handler's set is empty.

use core::sync::atomic::Ordering::Relaxed;

use asc_alloc::lines::Lines;

use super::view::View;
use super::{examine, heap_lines};
use crate::fault::{Fault, Stage};
use crate::hardened::context::current;
use crate::hardened::mapping::Mapping;
use crate::hardened::memory::read_word;
use crate::hardened::sys::checks::words::{CheckWords, RECENT_LINES, TAG_SHIFT, check_words};

const SLOTS_MIN: usize = 1024;
const CHANGES_MIN: usize = 256;
/// How far ahead of its check a line of a range is asked for: word by word, memory would be late.
const AHEAD_BYTES: usize = 4096;
const TAG_MAX: u64 = u64::MAX >> TAG_SHIFT;
const LINE_MASK: u64 = (1 << TAG_SHIFT) - 1;
/// No slot.
const NOWHERE: usize = usize::MAX;

/// The set of one thread.
#[derive(Debug)]
pub(crate) struct LineSet {
    /// A line and the handler's tag in each slot.
    keys: Mapping,
    /// Where in the list of changes the slot's line is, plus one; 0 while it is unchanged.
    places: Mapping,
    slots: usize,
    tag: u64,
    changes: Mapping,
    changed_lines: usize,
    /// The line of the latest change and its place in the list: stores come in runs.
    latest: (usize, usize),
    /// Stores that were noted.
    noted: usize,
}

/// A line whose code changes.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
struct Change {
    line: usize,
    change: u64,
}

impl LineSet {
    pub(crate) fn new() -> Self {
        Self {
            keys: Mapping::new(SLOTS_MIN * size_of::<u64>()),
            places: Mapping::new(SLOTS_MIN * size_of::<u32>()),
            slots: SLOTS_MIN,
            tag: 0,
            changes: Mapping::new(CHANGES_MIN * size_of::<Change>()),
            changed_lines: 0,
            latest: (NOWHERE, 0),
            noted: 0,
        }
    }

    /// Starts a handler with an empty set.
    pub(crate) fn begin(&mut self) {
        self.tag += 1;
        if self.tag > TAG_MAX {
            self.tag = 1;
            // SAFETY: the mapping is ours and that long.
            unsafe { self.keys.base().write_bytes(0, self.keys.len()) };
        }
        let words = own_check_words();
        words.count = 0;
        self.forget_list();
        words.recent = [0; RECENT_LINES];
        self.lend(words);
    }

    /// Verifies the lines of a range that are not in the set yet.
    pub(crate) fn check(
        &mut self,
        lines: &Lines,
        address: usize,
        length: usize,
    ) -> Result<(), Fault> {
        let Some(first) = lines.line_of(address).filter(|_| length > 0) else {
            return Ok(());
        };
        let within = address & (lines.line_bytes() - 1);
        let last = first + (within + length - 1) / lines.line_bytes();
        let ahead = AHEAD_BYTES / lines.line_bytes();
        lines.prefetch(first..last.min(first + ahead) + 1);
        (first..=last).try_for_each(|line| {
            if line + ahead < last {
                lines.prefetch(line + ahead + 1..line + ahead + 2);
            }
            self.check_line(lines, line)
        })
    }

    fn check_line(&mut self, lines: &Lines, line: usize) -> Result<(), Fault> {
        let slot = self.find(line);
        if self.key(slot) == self.key_of(line) {
            return Ok(());
        }
        if !lines.agrees(line) {
            examine::settle(lines, line)?;
        }
        self.insert(slot, line);
        Ok(())
    }

    /// Forgets what a run has stored: it will run again, or is rolled back a second time.
    pub(crate) fn forget_changes(&mut self) {
        for index in 0..self.changed_lines {
            let place = self.place_pointer(self.find(self.changes()[index].line));
            // SAFETY: a slot of the table.
            unsafe { place.write(0) };
        }
        self.forget_list();
    }

    fn forget_list(&mut self) {
        (self.changed_lines, self.latest) = (0, (NOWHERE, 0));
        self.noted = 0;
    }

    /// Notes that a store was looked at, protected or not.
    #[inline]
    pub(crate) fn count_noted(&mut self) {
        self.noted += 1;
    }

    /// Notes by what a store has changed a word of at most 8 bytes, which still holds what the run left
    /// there; `old` is what it held before that store.
    ///
    /// In the order of a rollback, so that stores to the same bytes add up to the change from the first
    /// old value to the last new one, whatever their widths.
    #[inline]
    pub(crate) fn note_word(&mut self, lines: &Lines, address: usize, length: usize, old: u64) {
        if lines.line_of(address).is_none() {
            return;
        }
        // SAFETY: E1: the entry's own address and length.
        let change = unsafe { read_word(address, length) } ^ old;
        let (word, shift) = (address & !7, (address & 7) * 8);
        if change << shift != 0 {
            self.add(lines, word, lines.change(word, change << shift));
        }
        // What lies in the next word.
        if shift > 0 && change >> (64 - shift) != 0 {
            let word = word + 8;
            self.add(lines, word, lines.change(word, change >> (64 - shift)));
        }
    }

    /// The same for a range, whose old bytes lie at `old`.
    ///
    /// # Safety
    /// Both are valid for reads of `length` bytes (E1, L2).
    pub(crate) unsafe fn note_range(
        &mut self,
        lines: &Lines,
        address: usize,
        length: usize,
        old: *const u8,
    ) {
        if lines.line_of(address).is_none() {
            return;
        }
        let mut done = 0;
        while done < length {
            let (start, old) = (address + done, old.wrapping_add(done));
            let line_start = start.is_multiple_of(lines.line_bytes());
            if line_start && length - done >= lines.line_bytes() {
                // SAFETY: by contract: the old bytes of a whole line.
                let change =
                    unsafe { lines.remainder_of(old) } ^ lines.part(start, lines.line_bytes());
                self.add(lines, start, change);
                done += lines.line_bytes();
                continue;
            }
            let piece = (8 - start % 8).min(length - done);
            // SAFETY: by contract.
            let before = unsafe { read_word(old.expose_provenance(), piece) };
            self.note_word(lines, start, piece, before);
            done += piece;
        }
    }

    /// Demands that each of the `stores` was noted, and that each changed line holds what its code will say.
    ///
    /// A rollback that did not happen would leave lines out, and their codes as they were. The second
    /// demand compares all of the line, not only what was stored: a stray store beside it shows. And it
    /// shows a fault in the computation of the change, which would otherwise turn up as a flipped bit of
    /// a line that is right.
    pub(crate) fn compare(&self, lines: &Lines, stores: usize) -> Result<(), Fault> {
        if self.noted != stores {
            return Err(Fault::new(
                Stage::Compare,
                "not every store to the protected heap has changed its line's code",
            )
            .values(stores as u64, self.noted as u64));
        }
        self.changes()
            .iter()
            .try_for_each(|&Change { line, change }| {
                let expected = lines.stored(line).load(Relaxed) ^ change as u32;
                let found = lines.remainder(line);
                if found == expected || examine::agrees_with(lines, line, change as u32) {
                    return Ok(());
                }
                Err(Fault::new(
                    Stage::Compare,
                    "a line of the protected heap does not hold what was stored to it",
                )
                .at(lines.address_of(line))
                .values(expected.into(), found.into()))
            })
    }

    /// Changes the codes.
    pub(crate) fn commit(&self, lines: &Lines) {
        for &Change { line, change } in self.changes() {
            lines.stored(line).fetch_xor(change as u32, Relaxed);
        }
    }

    /// Notes by how much each line of the set differs from its code because of the handler's own stores so
    /// far. [`Self::commit`] makes the codes say what memory holds, and a second time takes that back.
    #[cold]
    pub(crate) fn gather(&mut self, lines: &Lines, own: &View) {
        self.forget_changes();
        for slot in 0..self.slots {
            let key = self.key(slot);
            if key >> TAG_SHIFT != self.tag {
                continue;
            }
            let line = (key & LINE_MASK) as usize;
            let change = examine::change_by(lines, line, own);
            if change != 0 {
                self.add(lines, lines.address_of(line), change);
            }
        }
    }

    /// Where the set itself lies.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (usize, usize)> {
        let words = (check_words().addr(), size_of::<CheckWords>());
        [
            self.keys.range(),
            self.places.range(),
            self.changes.range(),
            words,
        ]
        .into_iter()
    }

    #[inline]
    fn add(&mut self, lines: &Lines, address: usize, change: u32) {
        let Some(line) = lines.line_of(address) else {
            return;
        };
        if self.latest.0 != line {
            self.latest = (line, self.place_of(line));
        }
        let sum = self.change_pointer(self.latest.1);
        // SAFETY: a place below the number of changes.
        unsafe { (*sum).change ^= u64::from(change) };
    }

    /// The place of a line in the list of changes; it joins if it is new.
    fn place_of(&mut self, line: usize) -> usize {
        let slot = self.find(line);
        if self.key(slot) != self.key_of(line) {
            self.insert(slot, line);
        }
        // An insertion may have moved everything.
        let place = self.place_pointer(self.find(line));
        // SAFETY: a slot of the table.
        let found = unsafe { place.read() } as usize;
        if found != 0 {
            return found - 1;
        }
        let index = self.changed_lines;
        let bytes = (index + 1) * size_of::<Change>();
        if bytes > self.changes.len() {
            self.changes.grow(bytes);
        }
        // SAFETY: the mapping was grown to hold this index.
        unsafe { self.change_pointer(index).write(Change { line, change: 0 }) };
        // SAFETY: a slot of the table.
        unsafe { place.write(index as u32 + 1) };
        self.changed_lines += 1;
        index
    }

    fn changes(&self) -> &[Change] {
        // SAFETY: everything below the count is initialised.
        unsafe { core::slice::from_raw_parts(self.change_pointer(0), self.changed_lines) }
    }

    /// The slot that holds a line, or the free one where it belongs.
    fn find(&self, line: usize) -> usize {
        let (mut slot, wanted) = (line & (self.slots - 1), self.key_of(line));
        loop {
            let key = self.key(slot);
            if key == wanted || key >> TAG_SHIFT != self.tag {
                return slot;
            }
            slot = (slot + 1) & (self.slots - 1);
        }
    }

    fn insert(&mut self, slot: usize, line: usize) {
        let key = self.key_of(line);
        // SAFETY: a slot of the table.
        unsafe { self.key_pointer(slot).write(key) };
        // SAFETY: likewise.
        unsafe { self.place_pointer(slot).write(0) };
        let words = own_check_words();
        words.count += 1;
        if words.count >= words.limit {
            self.grow();
        }
    }

    /// Doubles the table.
    #[cold]
    fn grow(&mut self) {
        let slots = self.slots * 2;
        let keys = core::mem::replace(&mut self.keys, Mapping::new(slots * size_of::<u64>()));
        let places = core::mem::replace(&mut self.places, Mapping::new(slots * size_of::<u32>()));
        for old in 0..core::mem::replace(&mut self.slots, slots) {
            // SAFETY: a slot of the old table.
            let key = unsafe { keys.base().cast::<u64>().wrapping_add(old).read() };
            if key >> TAG_SHIFT != self.tag {
                continue;
            }
            // SAFETY: likewise.
            let place = unsafe { places.base().cast::<u32>().wrapping_add(old).read() };
            let slot = self.find((key & LINE_MASK) as usize);
            // SAFETY: a slot of the new table.
            unsafe { self.key_pointer(slot).write(key) };
            // SAFETY: likewise.
            unsafe { self.place_pointer(slot).write(place) };
        }
        self.lend(own_check_words());
    }

    /// Lets the assembly use the table.
    fn lend(&self, words: &mut CheckWords) {
        words.keys = self.key_pointer(0);
        words.places = self.place_pointer(0);
        words.mask = (self.slots - 1) as u64;
        words.tag = self.tag << TAG_SHIFT;
        words.limit = (self.slots / 2) as u64;
    }

    fn key_of(&self, line: usize) -> u64 {
        self.tag << TAG_SHIFT | line as u64
    }

    #[inline]
    fn key(&self, slot: usize) -> u64 {
        // SAFETY: the callers' slots are masked to the table.
        unsafe { self.key_pointer(slot).read() }
    }

    #[inline]
    fn key_pointer(&self, slot: usize) -> *mut u64 {
        self.keys.base().cast::<u64>().wrapping_add(slot)
    }

    #[inline]
    fn place_pointer(&self, slot: usize) -> *mut u32 {
        self.places.base().cast::<u32>().wrapping_add(slot)
    }

    #[inline]
    fn change_pointer(&self, index: usize) -> *mut Change {
        self.changes.base().cast::<Change>().wrapping_add(index)
    }
}

/// Called by the assembly when a line does not agree with its code, or when the set is full.
pub(crate) extern "C" fn check_slowly(line: usize) {
    let context = current();
    let Some(lines) = heap_lines() else {
        return;
    };
    let outcome = context.lines.check_line(lines, line);
    context.demand(outcome);
    let words = own_check_words();
    if words.count >= words.limit {
        context.lines.grow();
    }
}

/// This thread's words, for code that runs inside the runtime.
pub(crate) fn own_check_words() -> &'static mut CheckWords {
    // SAFETY: K1; the runtime holds at most one such reference at a time because every function that
    // takes one is a leaf with respect to the others.
    unsafe { &mut *check_words() }
}
