//! The undo log: what a run stored where, and what was there before.
//!
//! One log in program order for words and ranges.
//!
//! 1. [`UndoLog::record`]: the first run appends (address, length, old bytes) before each store, and
//!    the sum of the three.
//! 2. [`UndoLog::capture`]: its results are read from memory and summed; the entries' own sums, which
//!    the rollback must reproduce, are added up.
//! 3. [`UndoLog::roll_back`]: old bytes go back in reverse order; every byte is read again
//!    (`rollback.rs`).
//! 4. [`UndoLog::check`]: the second run's stores must name the same addresses and lengths.
//! 5. [`UndoLog::compare`]: memory must equal the first run's results, and so must the sum.
//!
//! # Invariants
//! - L1: entries `0..count` are initialised; their addresses obey E1.
//! - L2: the old bytes of a range entry lie at arena offset `old`, the first run's result at `new`.

use core::ptr;
use core::sync::atomic::{Ordering, compiler_fence};

use crate::fault::{Fault, Stage};
use crate::incident::source_line::Callers;

use super::first_touch;
use super::guarded::{Guarded, field};
use super::integrity::View;
use super::mapping::Mapping;
use super::memory::{Difference, chain, first_difference, read_word, sum_of};
use super::repeat_filter::{RepeatFilter, is_repeat};
use super::sys::{ThreadWords, WORDS_BYTES_MAX, thread_words};

/// Entries of a fresh log: 16 KiB.
const ENTRIES_MIN: usize = 512;
/// No entry.
const NOWHERE: usize = usize::MAX;
/// Bytes of a fresh arena.
const ARENA_BYTES_MIN: usize = 16 << 10;

/// One store.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct Entry {
    /// First byte.
    pub(crate) address: usize,
    /// Bytes; up to 8 for a word, more for a range.
    pub(crate) length: usize,
    /// Old bytes of a word; arena offset of a range's.
    pub(crate) old: u64,
    /// The first run's result, likewise; until it is captured, the entry's seal.
    pub(crate) new: u64,
}

const _: () = assert!(size_of::<Entry>() == 32);

impl Entry {
    pub(crate) const fn is_range(&self) -> bool {
        self.length > 8
    }

    /// An entry's share of the sum that the rollback must reproduce, taken when it is recorded: from
    /// then on no single wrong word in it goes unnoticed. `contents` stands for the old bytes of a
    /// range.
    pub(crate) const fn seal(address: usize, length: usize, old: u64, contents: u64) -> u64 {
        (address as u64)
            .wrapping_add(length as u64)
            .wrapping_add(old)
            .wrapping_add(contents)
    }
}

/// The log of one thread.
#[derive(Debug)]
pub(crate) struct UndoLog {
    entries: Mapping,
    arena: Mapping,
    arena_used: usize,
    filter: RepeatFilter,
    /// Whether the old bytes of ranges are sealed too, chosen with the first range of a record.
    seals_ranges: bool,
    /// The entry that is to tell who stores there, when a second run comes to it.
    watched: usize,
    witnesses: Callers,
    /// What other threads may see of the log.
    pub(crate) view: View,
    count: Guarded<{ field::LOG_COUNT }>,
    /// Sum over what the first run stored, in order.
    new_sum: Guarded<{ field::LOG_NEW_SUM }>,
    /// Sum over what was there before, in any order.
    pub(super) old_sum: Guarded<{ field::LOG_OLD_SUM }>,
}

impl UndoLog {
    pub(crate) fn new() -> Self {
        let log = Self {
            view: View::new(),
            entries: Mapping::new(ENTRIES_MIN * size_of::<Entry>()),
            arena: Mapping::new(ARENA_BYTES_MIN),
            arena_used: 0,
            filter: RepeatFilter::new(),
            seals_ranges: false,
            watched: NOWHERE,
            witnesses: Callers::NOBODY,
            count: Guarded::new(0),
            new_sum: Guarded::new(0),
            old_sum: Guarded::new(0),
        };
        log.view.hide();
        log.view.show(log.base(), log.arena.base());
        log
    }

    /// Starts recording.
    pub(crate) fn record(&mut self, words: &mut ThreadWords) {
        self.arena_used = 0;
        self.count = Guarded::new(0);
        self.view.begin_record();
        self.filter.start_run(words);
        words.phase = 1;
        words.cursor = self.base();
        words.limit = self.entry_pointer(self.recording_limit());
    }

    /// Ends recording.
    pub(crate) fn end_recording(&mut self, words: &ThreadWords) {
        let count = self.index_of(words.cursor);
        self.count = Guarded::new(count as u64);
        self.view.end_record(count);
    }

    /// Reads what the first run stored.
    pub(crate) fn capture(&mut self) -> Result<(), Fault> {
        let count = self.count.get()? as usize;
        let (mut new_sum, mut old_sum) = (0, 0_u64);
        for index in 0..count {
            let (new, old) = self.capture_entry(index);
            new_sum = chain(new_sum, new);
            old_sum = old_sum.wrapping_add(old);
        }
        self.new_sum = Guarded::new(new_sum);
        self.old_sum = Guarded::new(old_sum);
        Ok(())
    }

    /// A sum over the state that the first run began with, as far as it has changed it.
    pub(crate) fn state_sum(&self) -> Result<u64, Fault> {
        Ok(first_touch::state_sum(self, self.recorded()?))
    }

    /// Starts checking a second run against the record.
    pub(crate) fn check(&mut self, words: &mut ThreadWords) -> Result<(), Fault> {
        let count = self.count.get()? as usize;
        self.filter.start_run(words);
        words.phase = 2;
        words.cursor = self.base();
        words.limit = self.entry_pointer(self.checking_limit(count));
        Ok(())
    }

    /// Has the next run that is checked tell who stores to `address` first.
    pub(super) fn watch(&mut self, address: usize) {
        let covers =
            |entry: &Entry| (entry.address..entry.address + entry.length).contains(&address);
        let index = self
            .recorded()
            .map(|entries| entries.iter().position(covers));
        self.watched = index.ok().flatten().unwrap_or(NOWHERE);
        self.witnesses = Callers::NOBODY;
    }

    /// Who did, if the run has come there.
    pub(super) fn witnesses(&mut self) -> Callers {
        self.watched = NOWHERE;
        self.witnesses
    }

    /// Demands that the second run stored as often as the first, and left the same bytes.
    pub(crate) fn compare(&self, words: &ThreadWords) -> Result<(), Fault> {
        let entries = self.recorded()?;
        let stored = self.index_of(words.cursor);
        if stored != entries.len() {
            let missing = entries.get(stored).map_or(0, |entry| entry.address);
            return Err(Fault::new(
                Stage::Compare,
                "the second run stored less often than the first",
            )
            .at(missing)
            .values(entries.len() as u64, stored as u64));
        }
        let mut sum = 0;
        for entry in entries {
            sum = chain(sum, self.compare_entry(entry)?);
        }
        let expected = self.new_sum.get()?;
        if sum != expected {
            return Err(
                Fault::new(Stage::Compare, "the sums of what the runs stored differ")
                    .values(expected, sum),
            );
        }
        Ok(())
    }

    /// Bytes in use: entries and arena.
    pub(crate) fn bytes(&self) -> usize {
        self.count
            .get()
            .map_or(0, |count| count as usize * size_of::<Entry>())
            + self.arena_used
    }

    /// Where the log itself lies.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (usize, usize)> {
        [
            self.entries.range(),
            self.arena.range(),
            self.filter.range(),
        ]
        .into_iter()
    }

    /// Logs or checks a store of any length. A long one is one entry; a short one is split into
    /// words, which the repeat filter understands.
    ///
    /// `seals_ranges` demands that the old bytes of a range are summed as they are read: they may be
    /// what a surviving process goes on with.
    pub(crate) fn store(
        &mut self,
        address: usize,
        length: usize,
        seals_ranges: impl FnOnce() -> bool,
    ) -> Result<(), Fault> {
        if length > WORDS_BYTES_MAX {
            if self.arena_used == 0 {
                self.seals_ranges = seals_ranges();
            }
            return self.range(address, length);
        }
        let mut done = 0;
        while done < length {
            let piece = word_length(length - done);
            self.word(address + done, piece)?;
            done += piece;
        }
        Ok(())
    }

    fn word(&mut self, address: usize, length: usize) -> Result<(), Fault> {
        let words = own_words();
        if is_repeat(words, address, length) {
            return Ok(());
        }
        // SAFETY: E1: the application is about to write these bytes.
        self.step(words, address, length, |_| unsafe {
            (read_word(address, length), 0)
        })
    }

    fn range(&mut self, address: usize, length: usize) -> Result<(), Fault> {
        self.step(own_words(), address, length, |log| {
            let contents = log.contents(ptr::with_exposed_provenance(address), length);
            (log.keep(address, length), contents)
        })
    }

    /// What stands for the bytes of a range in its entry's seal.
    pub(super) fn contents(&self, start: *const u8, length: usize) -> u64 {
        if self.seals_ranges {
            checksum(start, length)
        } else {
            0
        }
    }

    /// Appends an entry, or demands that it is the next one.
    fn step(
        &mut self,
        words: &mut ThreadWords,
        address: usize,
        length: usize,
        read: impl FnOnce(&mut Self) -> (u64, u64),
    ) -> Result<(), Fault> {
        while words.cursor >= words.limit {
            self.make_room(words, address, length)?;
        }
        if words.phase == 1 {
            let (old, contents) = read(self);
            let entry = Entry {
                address,
                length,
                old,
                new: Entry::seal(address, length, old, contents),
            };
            // SAFETY: the cursor is below the limit, so inside the mapping.
            unsafe { words.cursor.write(entry) };
            // Others look at what lies below the cursor (V1).
            compiler_fence(Ordering::Release);
        } else {
            // SAFETY: the cursor is below the limit, so at a recorded entry (L1).
            let entry = unsafe { words.cursor.read() };
            if (entry.address, entry.length) != (address, length) {
                return Err(diverged(&entry, address, length));
            }
        }
        words.cursor = words.cursor.wrapping_add(1);
        Ok(())
    }

    /// The fast path stopped at its limit, or at an entry that does not match.
    pub(crate) fn make_room(
        &mut self,
        words: &mut ThreadWords,
        address: usize,
        length: usize,
    ) -> Result<(), Fault> {
        let index = self.index_of(words.cursor);
        self.filter.adapt(words, index);
        if words.phase == 1 {
            let bytes = (index + 1) * size_of::<Entry>();
            if bytes > self.entries.len() {
                self.view.hide();
                self.entries.grow(bytes);
                // Before others look: it says how many entries there are.
                words.cursor = self.entry_pointer(index);
                self.view.show(self.base(), self.arena.base());
            }
            words.limit = self.entry_pointer(self.recording_limit());
            return Ok(());
        }
        let count = self.count.get()? as usize;
        if index >= count {
            return Err(Fault::new(
                Stage::SecondRun,
                "the second run stores more often than the first",
            )
            .at(address)
            .values(0, length as u64));
        }
        if index == self.watched {
            self.watched = NOWHERE;
            self.witnesses = Callers::here();
        }
        words.limit = self.entry_pointer(self.checking_limit(count));
        if words.cursor < words.limit {
            // SAFETY: below the count, so recorded (L1).
            let entry = unsafe { words.cursor.read() };
            if (entry.address, entry.length) != (address, length) {
                return Err(diverged(&entry, address, length));
            }
        }
        Ok(())
    }

    /// The entries recorded so far, during a run.
    pub(crate) fn so_far(&self) -> &[Entry] {
        let count = self.index_of(own_words().cursor);
        // SAFETY: everything below the cursor is initialised (L1).
        unsafe { core::slice::from_raw_parts(self.base(), count) }
    }

    /// The old bytes of an entry that is a range.
    pub(crate) fn old_range(&self, entry: &Entry) -> *const u8 {
        self.arena.base().wrapping_add(entry.old as usize)
    }

    /// What the first run left at an entry that is a range.
    pub(super) fn new_range(&self, entry: &Entry) -> *const u8 {
        self.arena.base().wrapping_add(entry.new as usize)
    }

    /// Whether the run that has just ended stored wherever the first one did.
    pub(super) fn was_followed(&self, words: &ThreadWords) -> bool {
        matches!(self.recorded(), Ok(entries) if self.index_of(words.cursor) == entries.len())
    }

    pub(crate) fn recorded(&self) -> Result<&[Entry], Fault> {
        let count = self.count.get()? as usize;
        if count * size_of::<Entry>() > self.entries.len() {
            return Err(Fault::new(
                Stage::Runtime,
                "the log is longer than its memory",
            ));
        }
        // SAFETY: initialised (L1) and inside the mapping.
        Ok(unsafe { core::slice::from_raw_parts(self.base(), count) })
    }

    /// Returns the entry's shares of the sums over new and old bytes; the latter is its seal.
    fn capture_entry(&mut self, index: usize) -> (u64, u64) {
        let entry = self.entry_pointer(index);
        // SAFETY: below the count (L1).
        let recorded = unsafe { entry.read() };
        let Entry {
            address,
            length,
            new: seal,
            ..
        } = recorded;
        let (new, sum) = if length > 8 {
            let offset = self.keep(address, length);
            (
                offset,
                checksum(self.arena.base().wrapping_add(offset as usize), length),
            )
        } else {
            // SAFETY: E1.
            let word = unsafe { read_word(address, length) };
            (word, word)
        };
        // SAFETY: as above; `keep` does not move the entries.
        unsafe { (*entry).new = new };
        (sum_of([address as u64, length as u64, sum]), seal)
    }

    /// The entry's share of the sum, computed from memory.
    fn compare_entry(&self, entry: &Entry) -> Result<u64, Fault> {
        let Entry {
            address,
            length,
            new,
            ..
        } = *entry;
        if !entry.is_range() {
            // SAFETY: E1.
            let found = unsafe { read_word(address, length) };
            if found != new {
                return Err(differs(address).values(new, found));
            }
            return Ok(sum_of([address as u64, length as u64, found]));
        }
        let expected = self.arena.base().wrapping_add(new as usize).cast_const();
        let found = ptr::with_exposed_provenance(address);
        // SAFETY: E1 and L2.
        match unsafe { first_difference(expected, found, length) } {
            None => Ok(sum_of([
                address as u64,
                length as u64,
                checksum(found, length),
            ])),
            Some(Difference {
                offset,
                expected,
                found,
            }) => Err(differs(address + offset).values(expected, found)),
        }
    }

    /// Copies a range of the application's memory into the arena; returns its offset.
    fn keep(&mut self, address: usize, length: usize) -> u64 {
        let offset = self.arena_used;
        if offset + length > self.arena.len() {
            self.view.hide();
            self.arena.grow(offset + length);
            self.view.show(self.base(), self.arena.base());
        }
        let source = ptr::with_exposed_provenance::<u8>(address);
        let target = self.arena.base().wrapping_add(offset);
        // SAFETY: E1 for the source; the arena was grown to hold the target.
        unsafe { ptr::copy_nonoverlapping(source, target, length) };
        self.arena_used = (offset + length).next_multiple_of(8);
        offset as u64
    }

    fn recording_limit(&self) -> usize {
        (self.entries.len() / size_of::<Entry>()).min(self.filter.entries_max())
    }

    fn checking_limit(&self, count: usize) -> usize {
        count.min(self.filter.entries_max()).min(self.watched)
    }

    fn base(&self) -> *mut Entry {
        self.entries.base().cast()
    }

    fn entry_pointer(&self, index: usize) -> *mut Entry {
        self.base().wrapping_add(index)
    }

    fn index_of(&self, pointer: *mut Entry) -> usize {
        (pointer.addr() - self.base().addr()) / size_of::<Entry>()
    }
}

/// Called by the fast path when it may not go on by itself; see [`UndoLog::make_room`].
pub(crate) extern "C" fn log_word_slow(address: usize, length: usize) {
    let context = super::context::current();
    let outcome = context.log.make_room(own_words(), address, length);
    context.demand(outcome);
}

/// This thread's words, for code that runs inside the runtime.
pub(crate) fn own_words() -> &'static mut ThreadWords {
    // SAFETY: W1; the runtime holds at most one such reference at a time because every function
    // that takes one is a leaf with respect to the others.
    unsafe { &mut *thread_words() }
}

/// A sum over a range that no single wrong byte leaves unchanged.
fn checksum(start: *const u8, length: usize) -> u64 {
    // SAFETY: the callers' ranges are valid (E1, L2).
    u64::from(crate::checksum::crc32c(unsafe {
        core::slice::from_raw_parts(start, length)
    }))
}

const fn word_length(rest: usize) -> usize {
    match rest {
        8.. => 8,
        4.. => 4,
        2.. => 2,
        _ => 1,
    }
}

fn differs(address: usize) -> Fault {
    Fault::new(Stage::Compare, "the runs left different bytes").at(address)
}

fn diverged(entry: &Entry, address: usize, length: usize) -> Fault {
    if entry.address == address {
        Fault::new(Stage::SecondRun, "the second run stores another width")
            .at(address)
            .values(entry.length as u64, length as u64)
    } else {
        Fault::new(Stage::SecondRun, "the second run stores to another address")
            .at(address)
            .values(entry.address as u64, address as u64)
    }
}
