//! Which items to evict first: a list from the newest to the oldest, threaded through the slots.

use super::slots::{SlotId, Slots};

/// An item that was moved less than this many seconds ago is not moved again by a read.
///
/// memcached's `ITEM_UPDATE_INTERVAL`: it keeps reads of popular items free of writes.
const MOVE_INTERVAL_SECONDS: u32 = 60;

/// The two ends of the list.
#[derive(Debug)]
pub(crate) struct Lru {
    newest: SlotId,
    oldest: SlotId,
}

impl Lru {
    pub(crate) fn new() -> Self {
        Self {
            newest: SlotId::NONE,
            oldest: SlotId::NONE,
        }
    }

    pub(crate) fn oldest(&self) -> Option<SlotId> {
        self.oldest.some()
    }

    /// The older neighbour that a slot will have when it is inserted.
    pub(crate) fn newest(&self) -> SlotId {
        self.newest
    }

    /// Adds a slot that has its neighbours already at the newest end.
    pub(crate) fn insert(&mut self, slots: &mut Slots, id: SlotId) {
        let second = self.newest;
        self.newest = id;
        if second.is_none() {
            self.oldest = id;
        } else {
            slots[second].newer = id;
        }
    }

    /// Takes a slot out of the list.
    pub(crate) fn remove(&mut self, slots: &mut Slots, id: SlotId) {
        let (newer, older) = (slots[id].newer, slots[id].older);
        if newer.is_none() {
            self.newest = older;
        } else {
            slots[newer].older = older;
        }
        if older.is_none() {
            self.oldest = newer;
        } else {
            slots[older].newer = newer;
        }
    }

    /// Notes a read: moves the slot to the newest end unless that happened a short while ago.
    #[inline]
    pub(crate) fn touch(&mut self, slots: &mut Slots, id: SlotId, now: u32) {
        if now.saturating_sub(slots[id].moved_at) >= MOVE_INTERVAL_SECONDS {
            self.renew(slots, id, now);
        }
    }

    /// Moves the slot to the newest end.
    pub(crate) fn renew(&mut self, slots: &mut Slots, id: SlotId, now: u32) {
        if slots[id].moved_at != now {
            slots[id].moved_at = now;
        }
        if self.newest != id {
            self.remove(slots, id);
            slots[id].newer = SlotId::NONE;
            slots[id].older = self.newest;
            self.insert(slots, id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::item::{Item, Parts};
    use super::super::slots::Slot;
    use super::*;

    fn add(lru: &mut Lru, slots: &mut Slots) -> SlotId {
        let parts = Parts {
            key: b"k",
            flags: 0,
            head: b"",
            tail: b"\r\n",
        };
        let id = slots.insert(Slot {
            item: Item::new(&parts, 1, 100, 0),
            hash: 0,
            chain: SlotId::NONE,
            newer: SlotId::NONE,
            older: lru.newest(),
            moved_at: 100,
        });
        lru.insert(slots, id);
        id
    }

    fn oldest_first(lru: &Lru, slots: &Slots) -> Vec<SlotId> {
        let mut order = Vec::new();
        let mut next = lru.oldest;
        while let Some(id) = next.some() {
            order.push(id);
            next = slots[id].newer;
        }
        order
    }

    #[test]
    fn reads_move_an_item_once_a_minute() {
        let (mut lru, mut slots) = (Lru::new(), Slots::new());
        let [a, b, c] = [(); 3].map(|()| add(&mut lru, &mut slots));
        lru.touch(&mut slots, a, 159);
        assert_eq!(oldest_first(&lru, &slots), [a, b, c]);
        lru.touch(&mut slots, a, 160);
        assert_eq!(oldest_first(&lru, &slots), [b, c, a]);
        lru.touch(&mut slots, b, 99);
        assert_eq!(oldest_first(&lru, &slots), [b, c, a]);
    }

    #[test]
    fn any_item_can_leave() {
        let (mut lru, mut slots) = (Lru::new(), Slots::new());
        let [a, b, c] = [(); 3].map(|()| add(&mut lru, &mut slots));
        lru.remove(&mut slots, b);
        assert_eq!(oldest_first(&lru, &slots), [a, c]);
        lru.remove(&mut slots, a);
        lru.remove(&mut slots, c);
        assert_eq!(lru.oldest(), None);
        slots[b].newer = SlotId::NONE;
        slots[b].older = lru.newest();
        lru.insert(&mut slots, b);
        assert_eq!(oldest_first(&lru, &slots), [b]);
    }
}
