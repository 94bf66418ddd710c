//! `get`, `gets`, `gat`, `gats`.

use asc_runtime::Output;

use super::disposition::Disposition;
use super::expiry;
use super::item::Item;
use super::shard::{Shard, answered};
use crate::protocol::{KEY_BYTES_MAX, Retrieval, reply};

/// A handler stops after it has written this much and continues once the peer has taken it: the
/// memory that one request can claim for its reply is this and one item.
const PART_BYTES_MAX: usize = 64 * 1024;

/// A space, the digits of a `u64`.
const CAS_BYTES_MAX: usize = 1 + 20;

impl Shard {
    /// Serves the keys from byte `at` on, as far as they belong to this shard.
    pub(super) fn retrieve(
        &mut self,
        now: u32,
        retrieval: &Retrieval<'_>,
        at: usize,
        output: &mut Output,
    ) -> Disposition {
        let mut keys = retrieval.keys.clone();
        if at == 0 && keys.any_longer_than(KEY_BYTES_MAX) {
            return answered(output, reply::BAD_FORMAT);
        }
        keys.seek(at);
        let expires_at = retrieval
            .exptime
            .map(|exptime| expiry::expires_at(exptime, now));
        let mut written = 0;
        while let Some(key) = keys.next() {
            if written >= PART_BYTES_MAX {
                return self.pause(keys.offset_of_last());
            }
            let hash = match self.locate(key, keys.offset_of_last()) {
                Ok(hash) => hash,
                Err(elsewhere) => return elsewhere,
            };
            let Some(id) = self.find_live(now, hash, key) else {
                self.count_read(false, retrieval.exptime.is_some());
                continue;
            };
            self.entries.touch(id, now);
            self.count_read(true, retrieval.exptime.is_some());
            if !self.entries.item(id).fetched {
                self.entries.item_mut(id).fetched = true;
            }
            if let Some(expires_at) = expires_at {
                self.entries.item_mut(id).expires_at = expires_at;
            }
            written += write_item(output, self.entries.item(id), retrieval.with_cas);
        }
        answered(output, reply::END)
    }

    #[inline]
    fn count_read(&mut self, hit: bool, touches: bool) {
        let counter = match (hit, touches) {
            (true, false) => &mut self.counters.get_hits,
            (false, false) => &mut self.counters.get_misses,
            (true, true) => &mut self.counters.touch_hits,
            (false, true) => &mut self.counters.touch_misses,
        };
        *counter += 1;
    }
}

/// Returns the number of bytes written.
#[inline]
fn write_item(output: &mut Output, item: &Item, with_cas: bool) -> usize {
    if with_cas {
        write_item_and_cas(output, item);
    } else {
        output.write(item.reply());
    }
    item.block_length()
}

fn write_item_and_cas(output: &mut Output, item: &Item) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(item.cas).as_bytes();
    let mut cas = [b' '; CAS_BYTES_MAX];
    cas[1..=digits.len()].copy_from_slice(digits);
    let (before, after) = item.reply_around_cas();
    output.write(before);
    output.write(&cas[..=digits.len()]);
    output.write(after);
}
