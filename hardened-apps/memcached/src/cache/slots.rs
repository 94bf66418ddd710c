//! The places where items live.
//!
//! Items are named by the number of their slot. The links of the hash chains and of the LRU list
//! are such numbers inside the slots, so that an insertion allocates nothing but the item's block.

use super::item::Item;
use super::lru::Segment;
use super::paged::Paged;

/// 1024 slots, 64 KiB, per page.
const PAGE_BITS: u32 = 10;

/// The number of a slot, or [`SlotId::NONE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotId(u32);

impl SlotId {
    pub(crate) const NONE: Self = Self(u32::MAX);

    #[inline]
    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }

    #[inline]
    pub(crate) fn some(self) -> Option<Self> {
        if self.is_none() { None } else { Some(self) }
    }
}

/// An item and its links. One cache line.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Slot {
    pub(crate) item: Item,
    /// Low half of the key's hash.
    pub(crate) hash: u32,
    /// Next slot of the same bucket; of the free list when the slot is free.
    pub(crate) chain: SlotId,
    /// Neighbours in the LRU list.
    pub(crate) newer: SlotId,
    pub(crate) older: SlotId,
    /// When it was last stored, moved or read for the second time, in seconds.
    pub(crate) moved_at: u32,
    /// The LRU list it is in.
    pub(crate) segment: Segment,
    /// Its size class.
    pub(crate) class: u8,
}
const _: () = assert!(size_of::<Slot>() == 64);

/// All slots of a shard.
#[derive(Debug)]
pub(crate) struct Slots {
    slots: Paged<Slot, PAGE_BITS>,
    free: SlotId,
    live: usize,
}

impl Slots {
    pub(crate) fn new() -> Self {
        Self {
            slots: Paged::new(),
            free: SlotId::NONE,
            live: 0,
        }
    }

    /// Number of items.
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// Number of slots, free ones included.
    pub(crate) fn count(&self) -> usize {
        self.slots.len()
    }

    /// The item of slot number `number`, unless the slot is free.
    pub(crate) fn occupied(&self, number: usize) -> Option<SlotId> {
        let id = SlotId(number as u32);
        if self[id].item.is_released() {
            None
        } else {
            Some(id)
        }
    }

    /// Puts a slot with all its links in place. What points to it comes after.
    ///
    /// The slot is written once and whole: under hardening, patching a structure that was just
    /// written would log its bytes twice.
    pub(crate) fn insert(&mut self, slot: Slot) -> SlotId {
        self.live += 1;
        if let Some(id) = self.free.some() {
            self.free = self[id].chain;
            self[id] = slot;
            return id;
        }
        let number = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        assert!(
            number != u32::MAX,
            "a shard holds at most {} items",
            u32::MAX
        );
        self.slots.push(slot);
        SlotId(number)
    }

    /// Frees a slot that is linked nowhere any more, and its item's block.
    pub(crate) fn remove(&mut self, id: SlotId) {
        let free = self.free;
        let slot = &mut self[id];
        slot.item.release_block();
        slot.chain = free;
        self.free = id;
        self.live -= 1;
    }
}

impl std::ops::Index<SlotId> for Slots {
    type Output = Slot;

    #[inline]
    fn index(&self, id: SlotId) -> &Slot {
        &self.slots[id.0 as usize]
    }
}

impl std::ops::IndexMut<SlotId> for Slots {
    #[inline]
    fn index_mut(&mut self, id: SlotId) -> &mut Slot {
        &mut self.slots[id.0 as usize]
    }
}
