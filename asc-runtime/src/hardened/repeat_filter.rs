//! Drops repeated stores to an address that the run has logged already.
//!
//! A direct-mapped table of tags, consulted by the assembly in [`super::sys`]. A tag is the run's
//! generation, the store's size and its address, so a hit is always right and starting a run costs
//! nothing; a lost tag only means that an address is logged twice. Both runs make the same
//! decisions because they see the same addresses from the same empty table.

use super::mapping::Mapping;
use super::sys::ThreadWords;

/// Slots of a fresh table: 4 KiB.
const SLOTS_MIN: usize = 512;
/// Slots at most: 8 MiB per thread.
const SLOTS_MAX: usize = 1 << 20;
/// Bits of a tag below the generation: 47 of the address, 2 of the size.
const GENERATION_SHIFT: u32 = 49;
const GENERATION_MAX: u64 = u64::MAX >> GENERATION_SHIFT;

/// Spreads neighbouring words over the table. Without it the slot of an address would share the
/// address's page offset, and the processor would take every look-up for a dependence on the store
/// before it. Odd, so that no two words of a page meet; fits a sign-extended 32-bit immediate.
pub(crate) const SPREAD: u32 = 0x2545_F491;

const _: () = assert!(SLOTS_MIN.is_power_of_two() && SLOTS_MAX.is_power_of_two());

/// The table and the generation of the run in progress.
#[derive(Debug)]
pub(crate) struct RepeatFilter {
    table: Mapping,
    generation: u64,
    slots: usize,
}

impl RepeatFilter {
    pub(crate) fn new() -> Self {
        Self {
            table: Mapping::new(SLOTS_MIN * 8),
            generation: 0,
            slots: SLOTS_MIN,
        }
    }

    /// Starts a run with an empty, small table.
    pub(crate) fn start_run(&mut self, words: &mut ThreadWords) {
        self.slots = SLOTS_MIN;
        self.empty(words);
    }

    /// Enlarges the table when `entries` have outgrown it; says how many entries may follow
    /// before it wants to be asked again.
    pub(crate) fn adapt(&mut self, words: &mut ThreadWords, entries: usize) {
        if entries < self.entries_max() || self.slots == SLOTS_MAX {
            return;
        }
        while entries >= self.entries_max() && self.slots < SLOTS_MAX {
            self.slots = (self.slots * 4).min(SLOTS_MAX);
        }
        if self.table.len() < self.slots * 8 {
            self.table.grow(self.slots * 8);
        }
        self.empty(words);
    }

    /// Entries after which the table wants to grow.
    pub(crate) fn entries_max(&self) -> usize {
        if self.slots == SLOTS_MAX {
            usize::MAX
        } else {
            self.slots / 2
        }
    }

    /// Where the table lies.
    pub(crate) fn range(&self) -> (usize, usize) {
        self.table.range()
    }

    fn empty(&mut self, words: &mut ThreadWords) {
        self.generation += 1;
        if self.generation > GENERATION_MAX {
            self.generation = 1;
            // SAFETY: the mapping is ours and that long.
            unsafe { self.table.base().write_bytes(0, self.table.len()) };
        }
        words.filter = self.table.base().cast();
        words.filter_mask = (self.slots - 1) as u64;
        words.filter_tag = self.generation << GENERATION_SHIFT;
    }
}

/// Whether a store was logged already; if not, remembers it. The same decision as the
/// assembly's, for stores that come through the runtime.
pub(crate) fn is_repeat(words: &ThreadWords, address: usize, length: usize) -> bool {
    let index = (address >> 3).wrapping_mul(SPREAD as usize) & words.filter_mask as usize;
    let slot = words.filter.wrapping_add(index);
    let whole = words.filter_tag + (address & !7) as u64;
    let tag = words.filter_tag + address as u64 + (size_code(length) << 47);
    // SAFETY: the index is masked to the table.
    let found = unsafe { slot.read() };
    let within_word = (address & 7) + length <= 8;
    if found == tag || (within_word && found == whole) {
        return true;
    }
    // SAFETY: as above.
    unsafe { slot.write(tag) };
    false
}

const fn size_code(length: usize) -> u64 {
    match length {
        8 => 0,
        4 => 1,
        2 => 2,
        _ => 3,
    }
}
