//! The keys of a retrieval are looked up together, before each is served.
//!
//! A lookup waits for memory three times, each time for the next address: bucket, slot, block. The waits for
//! different keys overlap, if the lookups are not kept apart by what is done with what they find. Only the hashes are
//! kept: each key is looked up again when its turn comes, in the processor's caches by then.

use std::hint::black_box;

use super::placement::KeyHash;
use super::retrieval::Owners;
use crate::protocol::Words;

/// Whether that pays: not where each load is checked against a line code, since checks do not overlap.
pub(super) const IS_WORTHWHILE: bool = !asc_runtime::checks_loads();

/// So many keys are looked up together.
const KEYS_MAX: usize = 16;

/// The hashes of the keys that were looked up and are still to be served.
#[derive(Debug)]
pub(super) struct LookAhead {
    hashes: [KeyHash; KEYS_MAX],
    next: usize,
    end: usize,
}

impl LookAhead {
    pub(super) fn new() -> Self {
        Self {
            hashes: [KeyHash::default(); KEYS_MAX],
            next: 0,
            end: 0,
        }
    }

    /// The hash of the key at byte `at`, which is the next one to be served.
    #[inline(never)]
    pub(super) fn hash(&mut self, owners: &impl Owners, keys: &Words<'_>, at: usize) -> KeyHash {
        if self.next == self.end {
            let mut keys = keys.clone();
            keys.seek(at);
            self.look_up(owners, keys);
        }
        let hash = self.hashes[self.next];
        self.next += 1;
        hash
    }

    fn look_up(&mut self, owners: &impl Owners, keys: Words<'_>) {
        let mut found = [None; KEYS_MAX];
        (self.next, self.end) = (0, 0);
        for ((key, hash), found) in keys.zip(&mut self.hashes).zip(&mut found) {
            *hash = owners.hash(key);
            *found = owners.shard(*hash).and_then(|shard| {
                let slot = shard.entries.newest_of_bucket(hash.low()).some()?;
                Some((shard, slot))
            });
            self.end += 1;
        }
        let blocks = found.iter().flatten().filter_map(|(shard, slot)| {
            let item = shard.entries.item(*slot);
            item.last_reply().first()
        });
        black_box(blocks.fold(0, |read, byte| read ^ byte));
    }
}
