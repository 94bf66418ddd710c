//! From a key to its slot: a hash table that grows one bucket at a time.
//!
//! Linear hashing (W. Litwin, VLDB 1980). Buckets are split in order, a few per insertion, so that
//! no insertion ever moves more than the items of those buckets. A table that doubles at once
//! would touch every item inside one handler, which runs twice and logs what it overwrites.
//! The chains run through the slots, so that an insertion is two stores.

use super::paged::Paged;
use super::slots::{SlotId, Slots};

/// 16384 buckets, 64 KiB, per page.
const PAGE_BITS: u32 = 14;
/// Buckets of an empty table.
const BUCKETS_INITIAL: usize = 1 << 16;
/// The table is kept at this many buckets per item.
const BUCKETS_PER_ITEM: usize = 2;
/// Bytes of the table that an item accounts for.
pub(crate) const BYTES_PER_ITEM: usize = BUCKETS_PER_ITEM * size_of::<SlotId>();

/// The hash table.
#[derive(Debug)]
pub(crate) struct Index {
    /// First slot of each bucket's chain.
    buckets: Paged<SlotId, PAGE_BITS>,
    /// The smallest power of two that is not less than the number of buckets, minus one.
    mask: u32,
}

impl Index {
    pub(crate) fn new() -> Self {
        let mut buckets = Paged::new();
        for _ in 0..BUCKETS_INITIAL {
            buckets.push(SlotId::NONE);
        }
        Self {
            buckets,
            mask: BUCKETS_INITIAL as u32 - 1,
        }
    }

    /// Number of buckets.
    pub(crate) fn buckets(&self) -> usize {
        self.buckets.len()
    }

    #[inline]
    pub(crate) fn find(&self, slots: &Slots, hash: u32, key: &[u8]) -> Option<SlotId> {
        let mut next = self.buckets[self.bucket_of(hash)];
        while let Some(id) = next.some() {
            let slot = &slots[id];
            if slot.hash == hash && slot.item.key() == key {
                return Some(id);
            }
            next = slot.chain;
        }
        None
    }

    /// The chain that slots with this hash are in, and that one will continue when it is inserted.
    #[inline]
    pub(crate) fn chain_of(&self, hash: u32) -> SlotId {
        self.buckets[self.bucket_of(hash)]
    }

    /// Adds a slot whose key is not in the table and that has its chain already.
    pub(crate) fn insert(&mut self, slots: &mut Slots, id: SlotId) {
        let bucket = self.bucket_of(slots[id].hash);
        self.buckets[bucket] = id;
        for _ in 0..BUCKETS_PER_ITEM {
            if self.buckets.len() < BUCKETS_PER_ITEM * slots.live() {
                self.split_next_bucket(slots);
            }
        }
    }

    /// Takes a slot out of the table.
    pub(crate) fn remove(&mut self, slots: &mut Slots, id: SlotId) {
        let bucket = self.bucket_of(slots[id].hash);
        let after = slots[id].chain;
        let mut current = self.buckets[bucket];
        if current == id {
            self.buckets[bucket] = after;
            return;
        }
        while slots[current].chain != id {
            current = slots[current].chain;
        }
        slots[current].chain = after;
    }

    #[inline]
    fn bucket_of(&self, hash: u32) -> usize {
        let bucket = (hash & self.mask) as usize;
        if bucket < self.buckets.len() {
            bucket
        } else {
            (hash & (self.mask >> 1)) as usize
        }
    }

    fn link(&mut self, slots: &mut Slots, id: SlotId) {
        let bucket = self.bucket_of(slots[id].hash);
        slots[id].chain = self.buckets[bucket];
        self.buckets[bucket] = id;
    }

    fn split_next_bucket(&mut self, slots: &mut Slots) {
        let created = self.buckets.len() as u32;
        if created > self.mask {
            self.mask = 2 * self.mask + 1;
        }
        let divided = (created & (self.mask >> 1)) as usize;
        let mut next = self.buckets[divided];
        self.buckets.push(SlotId::NONE);
        self.buckets[divided] = SlotId::NONE;
        while let Some(id) = next.some() {
            next = slots[id].chain;
            self.link(slots, id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::item::{Item, Parts};
    use super::super::lru::Segment;
    use super::super::slots::Slot;
    use super::*;

    fn insert(index: &mut Index, slots: &mut Slots, number: u32) -> SlotId {
        let key = number.to_le_bytes();
        let parts = Parts {
            key: &key,
            flags: 0,
            head: b"",
            tail: b"\r\n",
            end: b"",
        };
        let id = slots.insert(Slot {
            item: Item::new(&parts, 1, 0, 0),
            hash: hash(number),
            chain: index.chain_of(hash(number)),
            newer: SlotId::NONE,
            older: SlotId::NONE,
            moved_at: 0,
            segment: Segment::Hot,
            class: 1,
        });
        index.insert(slots, id);
        id
    }

    /// Few distinct high bits, so that chains are long.
    fn hash(number: u32) -> u32 {
        number.wrapping_mul(0x9E37_79B1) & 0xFFFF_F0F3
    }

    #[test]
    fn every_key_is_found_while_the_table_grows_and_shrinks() {
        let (mut index, mut slots) = (Index::new(), Slots::new());
        let count = 3 * BUCKETS_INITIAL as u32 / 2;
        let ids: Vec<SlotId> = (0..count)
            .map(|n| insert(&mut index, &mut slots, n))
            .collect();
        assert_eq!(index.buckets(), BUCKETS_PER_ITEM * count as usize);
        for (number, id) in (0..count).zip(&ids) {
            assert_eq!(
                index.find(&slots, hash(number), &number.to_le_bytes()),
                Some(*id)
            );
        }
        for (number, id) in (0..count).zip(&ids).filter(|(number, _)| number % 3 == 0) {
            index.remove(&mut slots, *id);
            slots.remove(*id);
            assert_eq!(
                index.find(&slots, hash(number), &number.to_le_bytes()),
                None
            );
        }
        for number in (0..count).filter(|number| number % 3 != 0) {
            assert!(
                index
                    .find(&slots, hash(number), &number.to_le_bytes())
                    .is_some()
            );
        }
    }
}
