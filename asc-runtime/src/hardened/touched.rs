//! Which addresses belong to the handler alone.
//!
//! An atomic operation on memory that the handler has allocated or plainly written itself is not
//! shared with anyone yet: it is executed in both runs like any store. Only the others are
//! executed once and replayed. The index is built when the first atomic operation of a run asks.

use super::fresh_blocks::FreshBlocks;
use super::mapping::Mapping;
use super::undo_log::UndoLog;

/// Longer pieces are kept as ranges, shorter ones as words.
const WORDS_BYTES_MAX: usize = 256;
const SLOTS_MIN: usize = 1024;
const RANGES_MIN: usize = 256;

/// The index over what a run has touched so far.
#[derive(Debug)]
pub(crate) struct Touched {
    slots: Mapping,
    slots_used: usize,
    ranges: Mapping,
    ranges_used: usize,
    entries_indexed: usize,
    blocks_indexed: usize,
}

impl Touched {
    pub(crate) fn new() -> Self {
        Self {
            slots: Mapping::new(SLOTS_MIN * 8),
            slots_used: 0,
            ranges: Mapping::new(RANGES_MIN * 16),
            ranges_used: 0,
            entries_indexed: 0,
            blocks_indexed: 0,
        }
    }

    /// Starts a run with nothing touched.
    pub(crate) fn start_run(&mut self) {
        if self.slots_used > 0 {
            // SAFETY: the mapping is ours and that long.
            unsafe { self.slots.base().write_bytes(0, self.slots.len()) };
        }
        (self.slots_used, self.ranges_used) = (0, 0);
        (self.entries_indexed, self.blocks_indexed) = (0, 0);
    }

    /// Whether the run has written or allocated any byte of the word at `address`.
    pub(crate) fn contains(&mut self, address: usize, log: &UndoLog, fresh: &FreshBlocks) -> bool {
        let (entries, blocks) = (log.so_far(), fresh.blocks());
        for entry in &entries[self.entries_indexed..] {
            self.insert(entry.address, entry.length);
        }
        for block in &blocks[self.blocks_indexed..] {
            self.insert(block.address, block.size);
        }
        (self.entries_indexed, self.blocks_indexed) = (entries.len(), blocks.len());
        self.has_word(address / 8) || self.in_range(address)
    }

    /// Where the index itself lies.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (usize, usize)> {
        [self.slots.range(), self.ranges.range()].into_iter()
    }

    fn insert(&mut self, address: usize, length: usize) {
        if length > WORDS_BYTES_MAX {
            if (self.ranges_used + 1) * 16 > self.ranges.len() {
                self.ranges.grow((self.ranges_used + 1) * 16);
            }
            let slot = self
                .ranges
                .base()
                .cast::<[usize; 2]>()
                .wrapping_add(self.ranges_used);
            // SAFETY: the mapping was grown to hold this index.
            unsafe { slot.write([address, address + length]) };
            self.ranges_used += 1;
        } else if length > 0 {
            (address / 8..=(address + length - 1) / 8).for_each(|word| self.insert_word(word));
        }
    }

    fn insert_word(&mut self, word: usize) {
        if (self.slots_used + 1) * 2 > self.slot_count() {
            self.enlarge();
        }
        // SAFETY: `find` returns a slot of the table, which is this index's alone.
        let slot = unsafe { &mut *self.find(word) };
        if *slot == 0 {
            *slot = word;
            self.slots_used += 1;
        }
    }

    fn has_word(&self, word: usize) -> bool {
        // SAFETY: `find` returns a slot of the table.
        self.slots_used > 0 && unsafe { self.find(word).read() == word }
    }

    fn in_range(&self, address: usize) -> bool {
        // SAFETY: the used part is initialised.
        let ranges: &[[usize; 2]] =
            unsafe { core::slice::from_raw_parts(self.ranges.base().cast(), self.ranges_used) };
        ranges
            .iter()
            .rev()
            .any(|&[start, end]| (start..end).contains(&address))
    }

    /// The slot that holds `word`, or the free one where it belongs. Word 0 is never touched.
    fn find(&self, word: usize) -> *mut usize {
        let mask = self.slot_count() - 1;
        let mut index = word.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        loop {
            let slot = self.slots.base().cast::<usize>().wrapping_add(index & mask);
            // SAFETY: the index is masked to the table.
            let found = unsafe { slot.read() };
            if found == word || found == 0 {
                return slot;
            }
            index += 1;
        }
    }

    fn enlarge(&mut self) {
        let larger = Mapping::new(self.slots.len() * 4);
        let old = core::mem::replace(&mut self.slots, larger);
        self.slots_used = 0;
        for index in 0..old.len() / 8 {
            // SAFETY: inside the old table.
            let word = unsafe { old.base().cast::<usize>().wrapping_add(index).read() };
            if word != 0 {
                self.insert_word(word);
            }
        }
    }

    fn slot_count(&self) -> usize {
        self.slots.len() / 8
    }
}
