//! What memory held before a run, byte by byte, as far as the run has stored there.
//!
//! Needed after a rollback when addresses were logged more than once, and to tell whether two runs
//! began with the same state.
//!
//! The repeat filter may forget, ranges may overlap words: then several entries cover a byte, and
//! after the rollback it must hold the old value of the *first* of them.

use crate::fault::{Fault, Stage};

use super::mapping::Mapping;
use super::memory::{read_word, sum_of};
use super::undo_log::{Entry, UndoLog};

/// One aligned word: the bytes that entries have covered, and what they held first.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(super) struct Word {
    /// Address divided by 8, plus 1; 0 marks a free slot.
    pub(super) key: u64,
    /// 0xFF in each covered byte.
    pub(super) mask: u64,
    value: u64,
}

/// Up to this many entries are searched one by one, which needs no table.
const SEARCHED_ENTRIES_MAX: usize = 128;
/// Likewise up to this length of an entry.
const SEARCHED_BYTES_MAX: usize = 64;

/// Verifies the entries that do not hold what they held when they were logged.
pub(crate) fn verify(log: &UndoLog, entries: &[Entry]) -> Result<(), Fault> {
    let mut suspects = entries.iter().filter(|entry| !log.holds_old(entry));
    if entries.len() > SEARCHED_ENTRIES_MAX
        || suspects
            .clone()
            .any(|entry| entry.length > SEARCHED_BYTES_MAX)
    {
        return verify_all(log, entries);
    }
    suspects.try_for_each(|suspect| {
        (suspect.address..suspect.address + suspect.length)
            .try_for_each(|address| verify_byte(log, entries, address))
    })
}

/// A sum over the bytes that a run has stored to and what was there before.
pub(crate) fn state_sum(log: &UndoLog, entries: &[Entry]) -> u64 {
    let table = table_of(log, entries);
    table
        .words()
        .iter()
        .filter(|word| word.key != 0)
        .fold(0, |sum, word| {
            sum.wrapping_add(sum_of([word.key, word.mask, word.value]))
        })
}

/// Demands that a byte holds what the first entry that covers it found there.
fn verify_byte(log: &UndoLog, entries: &[Entry], address: usize) -> Result<(), Fault> {
    let covers = |entry: &&Entry| (entry.address..entry.address + entry.length).contains(&address);
    match entries.iter().find(covers) {
        Some(first) => demand(address, old_byte(log, first, address - first.address)),
        None => Ok(()),
    }
}

/// Demands that a byte of the application's memory holds `expected`.
fn demand(address: usize, expected: u8) -> Result<(), Fault> {
    // SAFETY: E1: an entry covers this byte.
    let found = unsafe { read_word(address, 1) };
    if found == u64::from(expected) {
        return Ok(());
    }
    Err(
        Fault::new(Stage::Rollback, "the rollback left a wrong byte")
            .at(address)
            .values(u64::from(expected), found),
    )
}

/// Verifies every byte that `entries` cover.
fn verify_all(log: &UndoLog, entries: &[Entry]) -> Result<(), Fault> {
    table_of(log, entries)
        .words()
        .iter()
        .filter(|word| word.key != 0)
        .try_for_each(check)
}

/// What `entries` cover, and what was there first.
fn table_of(log: &UndoLog, entries: &[Entry]) -> Table {
    let words_max: usize = entries.iter().map(|entry| entry.length / 8 + 2).sum();
    let table = Table::new(words_max.max(1));
    for entry in entries {
        for offset in 0..entry.length {
            table.insert(entry.address + offset, old_byte(log, entry, offset));
        }
    }
    table
}

fn old_byte(log: &UndoLog, entry: &Entry, offset: usize) -> u8 {
    if entry.is_range() {
        // SAFETY: L2; the offset lies in the range.
        unsafe { log.old_range(entry).wrapping_add(offset).read() }
    } else {
        entry.old.to_ne_bytes()[offset]
    }
}

fn check(word: &Word) -> Result<(), Fault> {
    let address = (word.key as usize - 1) * 8;
    for (offset, (covered, expected)) in word
        .mask
        .to_ne_bytes()
        .into_iter()
        .zip(word.value.to_ne_bytes())
        .enumerate()
    {
        if covered == 0 {
            continue;
        }
        demand(address + offset, expected)?;
    }
    Ok(())
}

/// Open addressing in memory of the runtime's own.
pub(super) struct Table {
    memory: Mapping,
    slots: usize,
}

impl Table {
    pub(super) fn new(words_max: usize) -> Self {
        let slots = (words_max * 2).next_power_of_two();
        Self {
            memory: Mapping::new(slots * size_of::<Word>()),
            slots,
        }
    }

    pub(super) fn insert(&self, address: usize, byte: u8) {
        let key = (address / 8 + 1) as u64;
        // SAFETY: a slot of the table, which is this function's alone meanwhile.
        let word = unsafe { &mut *self.slot_of(key) };
        word.key = key;
        let shift = (address % 8) * 8;
        if word.mask >> shift & 0xFF == 0 {
            word.mask |= 0xFF << shift;
            word.value |= u64::from(byte) << shift;
        }
    }

    /// The covered bytes of a word; none if it was never touched.
    pub(super) fn mask(&self, key: u64) -> u64 {
        // SAFETY: a slot of the table.
        unsafe { (*self.slot_of(key)).mask }
    }

    /// The slot of a word, or the free one where it belongs.
    fn slot_of(&self, key: u64) -> *mut Word {
        let mut index = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize;
        loop {
            index &= self.slots - 1;
            let slot = self.memory.base().cast::<Word>().wrapping_add(index);
            // SAFETY: the index is masked to the table; a fresh mapping is zeroes, a free slot.
            let found = unsafe { (*slot).key };
            if found == 0 || found == key {
                return slot;
            }
            index += 1;
        }
    }

    pub(super) fn words(&self) -> &[Word] {
        // SAFETY: the mapping holds that many words; zeroes are valid.
        unsafe { core::slice::from_raw_parts(self.memory.base().cast(), self.slots) }
    }
}
