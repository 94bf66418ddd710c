//! Slots, index, LRU list and memory budget, kept consistent with each other.

use super::index::Index;
use super::item::Item;
use super::lru::Lru;
use super::memory::Memory;
use super::slots::{Slot, SlotId, Slots};

/// The items of a shard.
///
/// Invariants:
/// 1. A slot is in the index exactly when it is in the LRU list.
/// 2. No two slots have the same key.
/// 3. `memory` is charged for exactly the items in the index.
#[derive(Debug)]
pub(crate) struct Entries {
    slots: Slots,
    index: Index,
    lru: Lru,
    memory: Memory,
}

impl Entries {
    pub(crate) fn new(memory_limit: usize) -> Self {
        Self {
            slots: Slots::new(),
            index: Index::new(),
            lru: Lru::new(),
            memory: Memory::new(memory_limit),
        }
    }

    /// Number of items, dead ones that nobody asked for included.
    pub(crate) fn len(&self) -> usize {
        self.slots.live()
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Number of hash buckets.
    pub(crate) fn buckets(&self) -> usize {
        self.index.buckets()
    }

    #[inline]
    pub(crate) fn find(&self, hash: u32, key: &[u8]) -> Option<SlotId> {
        self.index.find(&self.slots, hash, key)
    }

    #[inline]
    pub(crate) fn item(&self, id: SlotId) -> &Item {
        &self.slots[id].item
    }

    /// The item with its links.
    pub(crate) fn slot(&self, id: SlotId) -> &Slot {
        &self.slots[id]
    }

    /// The item; the length of its block must stay.
    pub(crate) fn item_mut(&mut self, id: SlotId) -> &mut Item {
        &mut self.slots[id].item
    }

    /// Adds an item whose key is not present.
    pub(crate) fn insert(&mut self, hash: u32, item: Item) {
        self.memory.add(&item);
        let id = self.slots.insert(Slot {
            hash,
            chain: self.index.chain_of(hash),
            newer: SlotId::NONE,
            older: self.lru.newest(),
            moved_at: item.stored_at,
            item,
        });
        self.index.insert(&mut self.slots, id);
        self.lru.insert(&mut self.slots, id);
    }

    /// Puts an item in the place of one with the same key.
    pub(crate) fn replace(&mut self, id: SlotId, item: Item) {
        let now = item.stored_at;
        self.memory.exchange(&self.slots[id].item, &item);
        self.slots[id].item = item;
        self.lru.renew(&mut self.slots, id, now);
    }

    pub(crate) fn remove(&mut self, id: SlotId) {
        self.memory.subtract(&self.slots[id].item);
        self.lru.remove(&mut self.slots, id);
        self.index.remove(&mut self.slots, id);
        self.slots.remove(id);
    }

    /// Notes a read.
    #[inline]
    pub(crate) fn touch(&mut self, id: SlotId, now: u32) {
        self.lru.touch(&mut self.slots, id, now);
    }

    /// The last item to evict.
    pub(crate) fn newest(&self) -> Option<SlotId> {
        self.lru.newest().some()
    }

    /// The next item to evict.
    pub(crate) fn oldest(&self) -> Option<SlotId> {
        self.lru.oldest()
    }
}
