//! Which items to evict first: memcached's segmented LRU, threaded through the slots.
//!
//! 1. A new item enters HOT; one that will die soon enters TEMP, if that is switched on.
//! 2. An item that was read twice is *active*. From the end of HOT active items go to WARM, others
//!    to COLD; from the end of WARM active items start again, others go to COLD.
//! 3. An item that becomes active in COLD goes to WARM at once.
//! 4. Items are evicted from the end of COLD.
//!
//! The lists are those of the whole shard and not of a size class: memory is not divided among
//! classes here, so that the least recently used item of any size is the one to go.

use super::slots::{SlotId, Slots};

/// In an unsegmented LRU reads move an item to the front at most this often, as memcached does:
/// most reads then write nothing.
const MOVE_INTERVAL_SECONDS: u32 = 60;

/// Number of segments.
pub(crate) const SEGMENTS: usize = 4;

/// One of the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Segment {
    Hot = 0,
    Warm = 1,
    Cold = 2,
    Temporary = 3,
}

/// A doubly linked list of slots.
#[derive(Debug, Clone, Copy)]
struct List {
    newest: SlotId,
    oldest: SlotId,
    /// Bytes of the items, as memcached counts them.
    bytes: u64,
}

/// The four lists.
#[derive(Debug)]
pub(crate) struct Lru {
    lists: [List; SEGMENTS],
}

impl Lru {
    pub(crate) fn new() -> Self {
        let list = List {
            newest: SlotId::NONE,
            oldest: SlotId::NONE,
            bytes: 0,
        };
        Self {
            lists: [list; SEGMENTS],
        }
    }

    pub(crate) fn oldest(&self, segment: Segment) -> Option<SlotId> {
        self.lists[segment as usize].oldest.some()
    }

    /// What the slot of a new item links to as older.
    pub(crate) fn newest(&self, segment: Segment) -> SlotId {
        self.lists[segment as usize].newest
    }

    pub(crate) fn bytes(&self, segment: Segment) -> u64 {
        self.lists[segment as usize].bytes
    }

    /// Bytes of all segments.
    pub(crate) fn bytes_total(&self) -> u64 {
        self.lists.iter().map(|list| list.bytes).sum()
    }

    /// An item of a segment has changed its size.
    pub(crate) fn exchange_bytes(&mut self, segment: Segment, old: usize, new: usize) {
        let bytes = &mut self.lists[segment as usize].bytes;
        if old != new {
            *bytes = *bytes - old as u64 + new as u64;
        }
    }

    /// Adds a slot whose segment and link to the older neighbour are set, as the newest.
    pub(crate) fn insert(&mut self, slots: &mut Slots, id: SlotId, bytes: usize) {
        self.lists[slots[id].segment as usize].bytes += bytes as u64;
        self.link(slots, id);
    }

    pub(crate) fn remove(&mut self, slots: &mut Slots, id: SlotId, bytes: usize) {
        self.lists[slots[id].segment as usize].bytes -= bytes as u64;
        self.unlink(slots, id);
    }

    /// Makes the slot the newest of a segment.
    pub(crate) fn move_to(
        &mut self,
        slots: &mut Slots,
        id: SlotId,
        segment: Segment,
        bytes: usize,
    ) {
        let old = slots[id].segment;
        if old == segment && self.newest(segment) == id {
            return;
        }
        self.unlink(slots, id);
        if old != segment {
            self.lists[old as usize].bytes -= bytes as u64;
            self.lists[segment as usize].bytes += bytes as u64;
            slots[id].segment = segment;
        }
        let slot = &mut slots[id];
        slot.newer = SlotId::NONE;
        slot.older = self.newest(segment);
        self.link(slots, id);
    }

    /// Notes a use of an item of an unsegmented LRU.
    #[inline]
    pub(crate) fn touch_flat(&mut self, slots: &mut Slots, id: SlotId, now: u32, bytes: usize) {
        if now.saturating_sub(slots[id].moved_at) >= MOVE_INTERVAL_SECONDS {
            slots[id].moved_at = now;
            let segment = slots[id].segment;
            self.move_to(slots, id, segment, bytes);
        }
    }

    fn link(&mut self, slots: &mut Slots, id: SlotId) {
        let list = &mut self.lists[slots[id].segment as usize];
        let second = list.newest;
        list.newest = id;
        if second.is_none() {
            list.oldest = id;
        } else {
            slots[second].newer = id;
        }
    }

    fn unlink(&mut self, slots: &mut Slots, id: SlotId) {
        let (newer, older) = (slots[id].newer, slots[id].older);
        let list = &mut self.lists[slots[id].segment as usize];
        if newer.is_none() {
            list.newest = older;
        } else {
            slots[newer].older = older;
        }
        if older.is_none() {
            list.oldest = newer;
        } else {
            slots[older].newer = newer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::item::{Item, Parts};
    use super::super::slots::Slot;
    use super::*;

    const BYTES: usize = 100;

    fn add(lru: &mut Lru, slots: &mut Slots, segment: Segment) -> SlotId {
        let parts = Parts {
            key: b"k",
            flags: 0,
            head: b"",
            tail: b"\r\n",
            end: b"",
        };
        let id = slots.insert(Slot {
            item: Item::new(&parts, 1, 100, 0),
            hash: 0,
            chain: SlotId::NONE,
            newer: SlotId::NONE,
            older: lru.newest(segment),
            moved_at: 100,
            segment,
            class: 1,
        });
        lru.insert(slots, id, BYTES);
        id
    }

    fn oldest_first(lru: &Lru, slots: &Slots, segment: Segment) -> Vec<SlotId> {
        let mut order = Vec::new();
        let mut next = lru.lists[segment as usize].oldest;
        while let Some(id) = next.some() {
            order.push(id);
            next = slots[id].newer;
        }
        order
    }

    #[test]
    fn reads_move_an_item_of_a_flat_list_once_a_minute() {
        let (mut lru, mut slots) = (Lru::new(), Slots::new());
        let [a, b, c] = [(); 3].map(|()| add(&mut lru, &mut slots, Segment::Cold));
        lru.touch_flat(&mut slots, a, 159, BYTES);
        assert_eq!(oldest_first(&lru, &slots, Segment::Cold), [a, b, c]);
        lru.touch_flat(&mut slots, a, 160, BYTES);
        assert_eq!(oldest_first(&lru, &slots, Segment::Cold), [b, c, a]);
        lru.touch_flat(&mut slots, b, 99, BYTES);
        assert_eq!(oldest_first(&lru, &slots, Segment::Cold), [b, c, a]);
    }

    #[test]
    fn any_item_can_leave() {
        let (mut lru, mut slots) = (Lru::new(), Slots::new());
        let [a, b, c] = [(); 3].map(|()| add(&mut lru, &mut slots, Segment::Hot));
        lru.remove(&mut slots, b, BYTES);
        assert_eq!(oldest_first(&lru, &slots, Segment::Hot), [a, c]);
        lru.remove(&mut slots, a, BYTES);
        lru.remove(&mut slots, c, BYTES);
        assert_eq!(lru.oldest(Segment::Hot), None);
        assert_eq!(lru.bytes_total(), 0);
    }

    #[test]
    fn items_move_between_segments() {
        let (mut lru, mut slots) = (Lru::new(), Slots::new());
        let [a, b] = [(); 2].map(|()| add(&mut lru, &mut slots, Segment::Hot));
        let c = add(&mut lru, &mut slots, Segment::Cold);
        lru.move_to(&mut slots, a, Segment::Cold, BYTES);
        lru.move_to(&mut slots, a, Segment::Cold, BYTES);
        assert_eq!(oldest_first(&lru, &slots, Segment::Hot), [b]);
        assert_eq!(oldest_first(&lru, &slots, Segment::Cold), [c, a]);
        assert_eq!(
            (lru.bytes(Segment::Hot), lru.bytes(Segment::Cold)),
            (100, 200)
        );
    }
}
