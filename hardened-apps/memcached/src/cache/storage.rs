//! `set`, `add`, `replace`, `append`, `prepend`, `cas`.

use asc_runtime::Output;

use super::disposition::Disposition;
use super::expiry;
use super::item::{self, Item, Parts};
use super::placement::KeyHash;
use super::shard::{Shard, answer_unless};
use super::slots::SlotId;
use crate::protocol::{Store, StoreMode, reply};

const CRLF: &[u8] = b"\r\n";

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
        let text = if !self.allows(store.key, store.flags, store.length) {
            self.refuse_as_too_large(now, hash, store)
        } else if data.len() != store.length + CRLF.len() || !data.ends_with(CRLF) {
            self.counters.cmd_set += 1;
            reply::BAD_DATA_CHUNK
        } else {
            self.counters.cmd_set += 1;
            self.store_data(now, hash, store, data)
        };
        answer_unless(store.noreply, output, text);
        Disposition::Done
    }

    fn store_data(
        &mut self,
        now: u32,
        hash: KeyHash,
        store: &Store<'_>,
        data: &[u8],
    ) -> &'static [u8] {
        let found = self.find_live(now, hash, store.key);
        match (store.mode, found) {
            (StoreMode::Set | StoreMode::Replace, Some(_))
            | (StoreMode::Set | StoreMode::Add, None) => {
                self.put_new(now, hash, found, store, data)
            }
            (StoreMode::Add, Some(id)) => {
                self.entries.touch(id, now);
                reply::NOT_STORED
            }
            (StoreMode::Append, Some(id)) => self.extend(now, hash, id, data, Side::After),
            (StoreMode::Prepend, Some(id)) => self.extend(now, hash, id, data, Side::Before),
            (StoreMode::Replace | StoreMode::Append | StoreMode::Prepend, None) => {
                reply::NOT_STORED
            }
            (StoreMode::Cas(expected), Some(id)) => {
                if expected == 0 || self.entries.item(id).cas != expected {
                    self.counters.cas_badval += 1;
                    return reply::EXISTS;
                }
                self.counters.cas_hits += 1;
                self.put_new(now, hash, found, store, data)
            }
            (StoreMode::Cas(_), None) => {
                self.counters.cas_misses += 1;
                reply::NOT_FOUND
            }
        }
    }

    fn put_new(
        &mut self,
        now: u32,
        hash: KeyHash,
        found: Option<SlotId>,
        store: &Store<'_>,
        data: &[u8],
    ) -> &'static [u8] {
        let parts = Parts {
            key: store.key,
            flags: store.flags,
            head: b"",
            tail: data,
        };
        let expires_at = expiry::expires_at(store.exptime, now);
        let item = Item::new(&parts, self.next_cas, now, expires_at);
        self.put(now, hash, found, item)
    }

    /// Appends to or prepends to the item; flags and expiry stay.
    fn extend(
        &mut self,
        now: u32,
        hash: KeyHash,
        id: SlotId,
        data: &[u8],
        side: Side,
    ) -> &'static [u8] {
        let old = self.entries.item(id);
        let added = &data[..data.len() - CRLF.len()];
        if !self.allows(old.key(), old.flags, old.data().len() + added.len()) {
            return reply::NOT_STORED;
        }
        let (head, tail) = match side {
            Side::After => (old.data(), data),
            Side::Before => (added, old.data_and_line_end()),
        };
        let parts = Parts {
            key: old.key(),
            flags: old.flags,
            head,
            tail,
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
    ) -> &'static [u8] {
        if !self.entries.memory().can_ever_hold(&item) {
            self.counters.store_no_memory += 1;
            return reply::NO_MEMORY_STORING;
        }
        self.next_cas += 1;
        self.counters.total_items += 1;
        match found {
            Some(id) => self.entries.replace(id, item),
            None => self.entries.insert(hash.low(), item),
        }
        self.evict(now);
        reply::STORED
    }

    /// Removes the oldest items until the memory limit holds. The newest item is the one just
    /// stored, and fits alone.
    fn evict(&mut self, now: u32) {
        while self.entries.memory().is_exceeded()
            && let Some(id) = self.entries.oldest()
        {
            let item = self.entries.item(id);
            let unfetched = u64::from(!item.fetched);
            if self.flush.covers(item) || expiry::is_over(item.expires_at, now) {
                self.counters.reclaimed += 1;
                self.counters.expired_unfetched += unfetched;
            } else {
                self.counters.evictions += 1;
                self.counters.evicted_unfetched += unfetched;
            }
            self.entries.remove(id);
        }
    }

    /// A `set` that fails still replaces: the old value must not be read again.
    fn refuse_as_too_large(&mut self, now: u32, hash: KeyHash, store: &Store<'_>) -> &'static [u8] {
        self.counters.store_too_large += 1;
        if store.mode == StoreMode::Set
            && let Some(id) = self.find_live(now, hash, store.key)
        {
            self.entries.remove(id);
        }
        reply::TOO_LARGE
    }

    fn allows(&self, key: &[u8], flags: u32, data_length: usize) -> bool {
        item::size_is_allowed(key.len(), flags, data_length, self.item_bytes_max)
    }
}

/// Where added data goes.
#[derive(Debug, Clone, Copy)]
enum Side {
    Before,
    After,
}
