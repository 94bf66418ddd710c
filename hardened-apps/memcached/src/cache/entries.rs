//! Slots, index, LRU lists, size classes and memory budget, kept consistent with each other.

use super::classes::{CLASSES_MAX, ClassSizes, Classes};
use super::index::Index;
use super::item::{Item, marks};
use super::lru::{Lru, SEGMENTS, Segment};
use super::memory::Memory;
use super::slots::{Slot, SlotId, Slots};

/// The items of a shard.
///
/// Invariants:
/// 1. A slot is in the index exactly when it is in the LRU list of its segment.
/// 2. No two slots have the same key.
/// 3. `memory`, `lru` and `usage` are charged for exactly the items in the index.
#[derive(Debug)]
pub(crate) struct Entries {
    slots: Slots,
    index: Index,
    lru: Lru,
    memory: Memory,
    classes: Classes,
    usage: Box<[ClassUsage; CLASSES_MAX]>,
    /// Bytes of memcached's item header.
    header_bytes: usize,
    /// Whether the LRU has segments.
    segmented: bool,
}

/// What a size class holds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ClassUsage {
    /// Items in each segment.
    pub(crate) items: [u32; SEGMENTS],
    /// Their bytes, as memcached counts them.
    pub(crate) bytes: u64,
    /// Whether there has ever been an item.
    pub(crate) used: bool,
    /// Items that went to WARM.
    pub(crate) moves_to_warm: u64,
}

impl Entries {
    pub(crate) fn new(memory_limit: usize, sizes: ClassSizes, header_bytes: usize) -> Self {
        Self {
            slots: Slots::new(),
            index: Index::new(),
            lru: Lru::new(),
            memory: Memory::new(memory_limit),
            classes: Classes::new(sizes),
            usage: Box::new([ClassUsage::default(); CLASSES_MAX]),
            header_bytes,
            segmented: true,
        }
    }

    /// Number of items, dead ones that nobody asked for included.
    pub(crate) fn len(&self) -> usize {
        self.slots.live()
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    pub(crate) fn memory_mut(&mut self) -> &mut Memory {
        &mut self.memory
    }

    /// Bytes of all items, as memcached counts them.
    pub(crate) fn stock_bytes(&self) -> u64 {
        self.lru.bytes_total()
    }

    /// Number of hash buckets.
    pub(crate) fn buckets(&self) -> usize {
        self.index.buckets()
    }

    pub(crate) fn classes(&self) -> &Classes {
        &self.classes
    }

    pub(crate) fn usage_of(&self, class: usize) -> &ClassUsage {
        &self.usage[class]
    }

    pub(crate) fn header_bytes(&self) -> usize {
        self.header_bytes
    }

    pub(crate) fn is_segmented(&self) -> bool {
        self.segmented
    }

    pub(crate) fn set_segmented(&mut self, segmented: bool) {
        self.segmented = segmented;
    }

    /// Number of slots, free ones included.
    pub(crate) fn slots(&self) -> usize {
        self.slots.count()
    }

    /// The item in slot number `number`, if there is one.
    pub(crate) fn occupied(&self, number: usize) -> Option<SlotId> {
        self.slots.occupied(number)
    }

    #[inline]
    pub(crate) fn find(&self, hash: u32, key: &[u8]) -> Option<SlotId> {
        self.index.find(&self.slots, hash, key)
    }

    /// The first slot that a key with this hash may be in.
    #[inline]
    pub(crate) fn newest_of_bucket(&self, hash: u32) -> SlotId {
        self.index.chain_of(hash)
    }

    #[inline]
    pub(crate) fn slot(&self, id: SlotId) -> &Slot {
        &self.slots[id]
    }

    #[inline]
    pub(crate) fn item(&self, id: SlotId) -> &Item {
        &self.slots[id].item
    }

    /// The item; the length of its block must stay.
    pub(crate) fn item_mut(&mut self, id: SlotId) -> &mut Item {
        &mut self.slots[id].item
    }

    /// Adds an item whose key is not present.
    #[inline(never)]
    pub(crate) fn insert(&mut self, hash: u32, item: Item, segment: Segment) {
        self.memory.add(&item);
        let bytes = item.stock_bytes(self.header_bytes);
        let class = self.classes.class_of(bytes);
        let id = self.slots.insert(Slot {
            hash,
            chain: self.index.chain_of(hash),
            newer: SlotId::NONE,
            older: self.lru.newest(segment),
            moved_at: item.stored_at,
            segment,
            class,
            item,
        });
        self.index.insert(&mut self.slots, id);
        self.lru.insert(&mut self.slots, id, bytes);
        let usage = &mut self.usage[usize::from(class)];
        usage.items[segment as usize] += 1;
        usage.bytes += bytes as u64;
        if !usage.used {
            usage.used = true;
        }
    }

    /// Puts an item in the place of one with the same key.
    pub(crate) fn replace(&mut self, id: SlotId, item: Item, segment: Segment) {
        self.memory.exchange(&self.slots[id].item, &item);
        let (old, new) = (self.bytes_of(id), item.stock_bytes(self.header_bytes));
        let now = item.stored_at;
        self.slots[id].item = item;
        if old != new {
            self.change_size(id, old, new);
        }
        if self.slots[id].moved_at != now {
            self.slots[id].moved_at = now;
        }
        self.move_to(id, segment);
    }

    pub(crate) fn remove(&mut self, id: SlotId) {
        let bytes = self.bytes_of(id);
        self.memory.subtract(&self.slots[id].item);
        let usage = &mut self.usage[usize::from(self.slots[id].class)];
        usage.items[self.slots[id].segment as usize] -= 1;
        usage.bytes -= bytes as u64;
        self.lru.remove(&mut self.slots, id, bytes);
        self.index.remove(&mut self.slots, id);
        self.slots.remove(id);
    }

    /// Notes a read. Most change nothing: an active item stays active.
    #[inline]
    pub(crate) fn note_read(&mut self, id: SlotId, now: u32) {
        if !self.segmented {
            if self.slots[id].item.marks & marks::FETCHED == 0 {
                self.slots[id].item.marks |= marks::FETCHED;
            }
            let bytes = self.bytes_of(id);
            self.lru.touch_flat(&mut self.slots, id, now, bytes);
        } else if self.slots[id].item.marks & marks::ACTIVE == 0 {
            self.note_early_read(id, now);
        }
    }

    /// Notes a change of an item that is not a read.
    pub(crate) fn note_change(&mut self, id: SlotId, now: u32) {
        let slot = &self.slots[id];
        if !self.segmented {
            let bytes = self.bytes_of(id);
            self.lru.touch_flat(&mut self.slots, id, now, bytes);
        } else if slot.segment == Segment::Cold && slot.item.marks & marks::ACTIVE != 0 {
            self.warm_up(id, now);
        } else if slot.moved_at != now {
            self.slots[id].moved_at = now;
        }
    }

    /// Begins to count moves anew.
    pub(crate) fn reset_counters(&mut self) {
        for usage in self.usage.iter_mut() {
            usage.moves_to_warm = 0;
        }
    }

    /// The item that has been in a segment for the longest time.
    pub(crate) fn oldest(&self, segment: Segment) -> Option<SlotId> {
        self.lru.oldest(segment)
    }

    /// The item that has entered a segment last.
    pub(crate) fn newest(&self, segment: Segment) -> Option<SlotId> {
        self.lru.newest(segment).some()
    }

    pub(crate) fn segment_bytes(&self, segment: Segment) -> u64 {
        self.lru.bytes(segment)
    }

    /// Makes the item the newest of a segment.
    pub(crate) fn move_to(&mut self, id: SlotId, segment: Segment) {
        let bytes = self.bytes_of(id);
        let (old, class) = (self.slots[id].segment, self.slots[id].class);
        if old != segment {
            let items = &mut self.usage[usize::from(class)].items;
            items[old as usize] -= 1;
            items[segment as usize] += 1;
        }
        self.lru.move_to(&mut self.slots, id, segment, bytes);
    }

    /// An item that was active goes to the front of WARM and has to become active again.
    pub(crate) fn warm_up(&mut self, id: SlotId, now: u32) {
        self.slots[id].item.marks &= !marks::ACTIVE;
        self.slots[id].moved_at = now;
        if self.slots[id].segment != Segment::Warm {
            self.usage[usize::from(self.slots[id].class)].moves_to_warm += 1;
        }
        self.move_to(id, Segment::Warm);
    }

    /// The first read and the second.
    fn note_early_read(&mut self, id: SlotId, now: u32) {
        let slot = &mut self.slots[id];
        if slot.item.marks & marks::FETCHED == 0 {
            slot.item.marks |= marks::FETCHED;
            return;
        }
        if slot.segment == Segment::Cold {
            self.warm_up(id, now);
            return;
        }
        slot.item.marks |= marks::ACTIVE;
        if slot.moved_at != now {
            slot.moved_at = now;
        }
    }

    #[inline(never)]
    fn change_size(&mut self, id: SlotId, old: usize, new: usize) {
        let slot = &mut self.slots[id];
        self.lru.exchange_bytes(slot.segment, old, new);
        let class = self.classes.class_of(new);
        let usage = &mut self.usage[usize::from(slot.class)];
        usage.items[slot.segment as usize] -= 1;
        usage.bytes -= old as u64;
        let usage = &mut self.usage[usize::from(class)];
        usage.items[slot.segment as usize] += 1;
        usage.bytes += new as u64;
        usage.used = true;
        if slot.class != class {
            slot.class = class;
        }
    }

    #[inline]
    fn bytes_of(&self, id: SlotId) -> usize {
        self.slots[id].item.stock_bytes(self.header_bytes)
    }
}
