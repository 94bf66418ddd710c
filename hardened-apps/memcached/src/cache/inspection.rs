//! What a shard holds, for those who must compare two states as a whole.
//!
//! Walks the LRU lists, each from its newest end and looks every item up in the index on the way, so that
//! the order of eviction and the reachability of keys show. Bounded by the number of items: the
//! state may be damaged, and a circle in a list must end.

use super::item::marks;
use super::lru::Segment;
use super::shard::Shard;

/// An item as clients can come to see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemView<'a> {
    /// Its key.
    pub key: &'a [u8],
    /// Its value.
    pub data: &'a [u8],
    /// What a `get` would answer.
    pub reply: &'a [u8],
    /// The client's flags.
    pub flags: u32,
    /// Its unique identifier.
    pub cas: u64,
    /// When it was stored, in seconds.
    pub stored_at: u32,
    /// From when on it is dead, in seconds.
    pub expires_at: u32,
    /// When it was last moved to the newest end, in seconds.
    pub moved_at: u32,
    /// What else was noted about it, one bit each.
    pub marks: u8,
    /// Whether anyone has read it.
    pub fetched: bool,
    /// Whether its key leads to it.
    pub reachable: bool,
}

impl Shard {
    /// The items, list by list, those of each list first that would leave it last; at most one
    /// more than there are.
    pub fn items(&self) -> impl Iterator<Item = ItemView<'_>> {
        let entries = &self.entries;
        let mut segments = [
            Segment::Hot,
            Segment::Warm,
            Segment::Temporary,
            Segment::Cold,
        ]
        .into_iter();
        let mut next = None;
        let views = std::iter::from_fn(move || {
            while next.is_none() {
                next = entries.newest(segments.next()?);
            }
            let id = next?;
            let slot = entries.slot(id);
            next = slot.older.some();
            let item = &slot.item;
            let hash = self.locate(item.key(), 0).ok();
            let found = hash.and_then(|hash| entries.find(hash.low(), item.key()));
            Some(ItemView {
                key: item.key(),
                data: item.data(),
                reply: item.reply(),
                flags: item.flags,
                cas: item.cas,
                stored_at: item.stored_at,
                expires_at: item.expires_at,
                moved_at: slot.moved_at,
                marks: item.marks,
                fetched: item.marks & marks::FETCHED != 0,
                reachable: found == Some(id),
            })
        });
        views.take(entries.len() + 1)
    }

    /// The unique identifier that the next change will get.
    pub fn next_cas(&self) -> u64 {
        self.next_cas
    }
}

#[cfg(test)]
mod tests {
    use asc_runtime::{Input, Output};

    use crate::{KeyHasher, Placement, Shard, ShardLimits};

    #[test]
    fn items_come_newest_first_and_whole() {
        let placement = Placement::sole(KeyHasher::with_seed(1));
        let mut shard = Shard::new(ShardLimits::default(), placement);
        let mut output = Output::new();
        for request in ["set a 1 0 1\r\nx\r\n", "set b 2 0 2\r\nyz\r\n", "get a\r\n"] {
            shard.handle(1_700_000_000, &Input::seal(request.as_bytes()), &mut output);
        }
        let items: Vec<_> = shard.items().collect();
        let seen = items.iter().map(|item| (item.key, item.data, item.flags));
        let expected = [(&b"b"[..], &b"yz"[..], 2), (b"a", b"x", 1)];
        assert!(seen.eq(expected), "{items:?}");
        assert!(items.iter().all(|item| item.reachable));
        assert_eq!((items[0].cas, items[1].cas, shard.next_cas()), (2, 1, 3));
        assert_eq!((items[0].fetched, items[1].fetched), (false, true));
    }
}
