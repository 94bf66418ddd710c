//! How many bytes the items use, and how many they may.

use super::index;
use super::item::Item;
use super::slots::Slot;

/// What an allocator adds to a block and rounds it up to.
const BLOCK_OVERHEAD_BYTES: usize = 16;

/// The budget of a shard.
#[derive(Debug)]
pub(crate) struct Memory {
    used: usize,
    limit: usize,
}

impl Memory {
    pub(crate) fn new(limit: usize) -> Self {
        Self { used: 0, limit }
    }

    /// Bytes in use.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// Bytes that may be in use.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Changes the limit.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Whether there is room for `item` in the place of `old`.
    pub(crate) fn has_room_for(&self, item: &Item, old: Option<&Item>) -> bool {
        self.used - old.map_or(0, charge) + charge(item) <= self.limit
    }

    pub(crate) fn is_exceeded(&self) -> bool {
        self.used > self.limit
    }

    /// Whether the item would fit into an empty shard.
    pub(crate) fn can_ever_hold(&self, item: &Item) -> bool {
        charge(item) <= self.limit
    }

    pub(crate) fn add(&mut self, item: &Item) {
        self.used += charge(item);
    }

    pub(crate) fn subtract(&mut self, item: &Item) {
        self.used -= charge(item);
    }

    pub(crate) fn exchange(&mut self, old: &Item, new: &Item) {
        let (old, new) = (charge(old), charge(new));
        if old != new {
            self.used = self.used - old + new;
        }
    }
}

/// Bytes that an item occupies: its block as the allocator rounds it, its slot, its buckets.
fn charge(item: &Item) -> usize {
    let block = item.block_length().next_multiple_of(BLOCK_OVERHEAD_BYTES) + BLOCK_OVERHEAD_BYTES;
    block + size_of::<Slot>() + index::BYTES_PER_ITEM
}
