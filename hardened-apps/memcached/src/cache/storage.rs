//! `set`, `add`, `replace`, `append`, `prepend`, `cas`, in every protocol.

use asc_runtime::Output;

use super::details::Access;
use super::disposition::Disposition;
use super::expiry;
use super::item::{Item, Parts, marks, stock_bytes};
use super::lru::Segment;
use super::placement::KeyHash;
use super::shard::{Shard, answer_unless};
use super::slots::SlotId;
use crate::protocol::{Store, StoreMode, reply};

pub(super) const CRLF: &[u8] = b"\r\n";

/// A change that a storage command asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) mode: StoreMode,
    pub(super) key: &'a [u8],
    pub(super) flags: u32,
    pub(super) expires_at: u32,
    /// The data, with its CRLF or without.
    pub(super) data: &'a [u8],
    /// What makes the data end in CRLF.
    pub(super) end: &'a [u8],
    /// `append` and `prepend` only to an item with this unique identifier, unless it is 0.
    pub(super) extend_only: u64,
    /// Store under a unique identifier that is too old, and mark the item as stale.
    pub(super) may_be_stale: bool,
    pub(super) marks: u8,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Stored,
    NotStored,
    Exists,
    NotFound,
    NoMemory,
    /// The flags are not its checksum, as they should be.
    BadChecksum,
}

/// Where added data goes.
#[derive(Debug, Clone, Copy)]
enum Side {
    Before,
    After,
}

impl<'a> Change<'a> {
    /// A change by a command of the classic protocol.
    #[inline]
    fn classic(store: &Store<'a>, data: &'a [u8], now: u32) -> Self {
        Self {
            mode: store.mode,
            key: store.key,
            flags: store.flags,
            expires_at: expiry::expires_at(store.exptime, now),
            data,
            end: b"",
            extend_only: 0,
            may_be_stale: false,
            marks: 0,
        }
    }
}

impl Outcome {
    fn reply(self) -> &'static [u8] {
        match self {
            Self::Stored => reply::STORED,
            Self::NotStored => reply::NOT_STORED,
            Self::Exists => reply::EXISTS,
            Self::NotFound => reply::NOT_FOUND,
            Self::NoMemory => reply::NO_MEMORY_STORING,
            Self::BadChecksum => reply::BAD_CHECKSUM,
        }
    }
}

impl Shard {
    /// Executes a storage command. `data` is its data block with the CRLF.
    pub(super) fn store(
        &mut self,
        now: u32,
        store: &Store<'_>,
        data: &[u8],
        output: &mut Output,
    ) -> Disposition {
        let hash = match self.locate(store.key, 0) {
            Ok(hash) => hash,
            Err(elsewhere) => return elsewhere,
        };
        self.note_detail(store.key, Access::Set);
        let text = if !self.allows(store.key, store.flags, store.length) {
            self.refuse_as_too_large(now, hash, store.key, store.mode == StoreMode::Set);
            reply::TOO_LARGE
        } else if data.len() != store.length + CRLF.len() || !data.ends_with(CRLF) {
            self.counters.cmd_set += 1;
            reply::BAD_DATA_CHUNK
        } else {
            self.counters.cmd_set += 1;
            let change = Change::classic(store, data, now);
            self.apply(now, hash, &change).reply()
        };
        answer_unless(store.noreply, output, text);
        Disposition::Done
    }

    /// Does what a storage command asks for, if its condition holds.
    pub(super) fn apply(&mut self, now: u32, hash: KeyHash, change: &Change<'_>) -> Outcome {
        if !self.accepts_checksum(change) {
            return Outcome::BadChecksum;
        }
        if !self.entries.is_segmented() {
            // As memcached does before it looks for room.
            self.reclaim_one(now);
        }
        let found = self.find_live(now, hash, change.key);
        match (change.mode, found) {
            (StoreMode::Set | StoreMode::Replace, Some(_))
            | (StoreMode::Set | StoreMode::Add, None) => self.put_new(now, hash, found, change),
            (StoreMode::Add, Some(id)) => {
                self.entries.note_change(id, now);
                Outcome::NotStored
            }
            (StoreMode::Append, Some(id)) => self.extend(now, hash, id, change, Side::After),
            (StoreMode::Prepend, Some(id)) => self.extend(now, hash, id, change, Side::Before),
            (StoreMode::Replace | StoreMode::Append | StoreMode::Prepend, None) => {
                Outcome::NotStored
            }
            (StoreMode::Cas(expected), Some(id)) => {
                self.compare_and_swap(now, hash, id, expected, change)
            }
            (StoreMode::Cas(_), None) => {
                self.counters.cas_misses += 1;
                Outcome::NotFound
            }
        }
    }

    #[inline(never)]
    fn compare_and_swap(
        &mut self,
        now: u32,
        hash: KeyHash,
        id: SlotId,
        expected: u64,
        change: &Change<'_>,
    ) -> Outcome {
        let old = self.entries.item(id);
        let current = self.visible_cas(old);
        if expected == 0 || current == 0 {
            self.counters.cas_badval += 1;
            return Outcome::Exists;
        }
        if expected == current {
            self.counters.cas_hits += 1;
            return self.put_new(now, hash, Some(id), change);
        }
        if change.may_be_stale && expected < current {
            self.counters.cas_hits += 1;
            let stale = Change {
                expires_at: old.expires_at,
                marks: change.marks | marks::STALE | old.marks & marks::TOKEN_SENT,
                ..*change
            };
            return self.put_new(now, hash, Some(id), &stale);
        }
        self.counters.cas_badval += 1;
        Outcome::Exists
    }

    #[inline]
    fn put_new(
        &mut self,
        now: u32,
        hash: KeyHash,
        found: Option<SlotId>,
        change: &Change<'_>,
    ) -> Outcome {
        let parts = Parts {
            key: change.key,
            flags: change.flags,
            head: b"",
            tail: change.data,
            end: change.end,
        };
        let mut item = Item::new(&parts, self.next_cas, now, change.expires_at);
        item.marks = change.marks;
        self.put(now, hash, found, item)
    }

    /// Appends to or prepends to the item; flags and expiry stay.
    #[inline(never)]
    fn extend(
        &mut self,
        now: u32,
        hash: KeyHash,
        id: SlotId,
        change: &Change<'_>,
        side: Side,
    ) -> Outcome {
        let old = self.entries.item(id);
        if change.extend_only != 0 && change.extend_only != self.visible_cas(old) {
            return Outcome::Exists;
        }
        let added = change
            .data
            .strip_suffix(line_end_of(change))
            .unwrap_or(change.data);
        if !self.allows(old.key(), old.flags, old.data().len() + added.len()) {
            return Outcome::NotStored;
        }
        let (head, tail, end) = match side {
            Side::After => (old.data(), added, CRLF),
            Side::Before => (added, old.data_and_line_end(), &b""[..]),
        };
        let parts = Parts {
            key: old.key(),
            flags: old.flags,
            head,
            tail,
            end,
        };
        let item = Item::new(&parts, self.next_cas, now, old.expires_at);
        self.put(now, hash, Some(id), item)
    }

    /// Stores an item that carries the next unique identifier, in the place of `found`, and makes
    /// room for it.
    pub(super) fn put(
        &mut self,
        now: u32,
        hash: KeyHash,
        found: Option<SlotId>,
        item: Item,
    ) -> Outcome {
        if !self.has_room_for(now, found, &item) {
            self.counters.store_no_memory += 1;
            return Outcome::NoMemory;
        }
        self.next_cas += self.cas_step;
        self.counters.total_items += 1;
        let segment = self.segment_for(now, &item);
        match found {
            Some(id) => self.entries.replace(id, item, segment),
            None => self.entries.insert(hash.low(), item, segment),
        }
        if self.entries.memory().is_exceeded() {
            self.evict(now);
        }
        Outcome::Stored
    }

    /// The list that a new item enters.
    #[inline]
    fn segment_for(&self, now: u32, item: &Item) -> Segment {
        if !self.entries.is_segmented() {
            return Segment::Cold;
        }
        match self.settings.lru.temporary_seconds {
            Some(seconds)
                if item.expires_at != expiry::NEVER
                    && item.expires_at.saturating_sub(now) <= seconds =>
            {
                Segment::Temporary
            }
            _ => Segment::Hot,
        }
    }

    /// A `set` that fails still replaces: the old value must not be read again.
    #[inline(never)]
    pub(super) fn refuse_as_too_large(
        &mut self,
        now: u32,
        hash: KeyHash,
        key: &[u8],
        replaces: bool,
    ) {
        self.counters.store_too_large += 1;
        if replaces && let Some(id) = self.find_live(now, hash, key) {
            self.entries.remove(id);
        }
    }

    /// Whether the item size limit allows this much data.
    pub(super) fn allows(&self, key: &[u8], flags: u32, data_length: usize) -> bool {
        let data = data_length + CRLF.len();
        stock_bytes(key.len(), flags, data, self.entries.header_bytes()) <= self.settings.item_bytes
    }
}

/// The CRLF at the end of the change's data, if it is there.
fn line_end_of(change: &Change<'_>) -> &'static [u8] {
    if change.end.is_empty() { CRLF } else { b"" }
}
