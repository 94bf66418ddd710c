//! `get`, `gets`, `gat`, `gats`.

use asc_runtime::Output;

use super::details::Access;
use super::disposition::Disposition;
use super::expiry;
use super::item::Item;
use super::shard::{Shard, answered};
use super::slots::SlotId;
use crate::protocol::{KEY_BYTES_MAX, Retrieval, reply};

/// A handler stops after it has written this much and continues once the peer has taken it: the
/// memory that one request can claim for its reply is this and one item.
const PART_BYTES_MAX: usize = 64 * 1024;

/// A space, the digits of a `u64`.
const CAS_BYTES_MAX: usize = 1 + 20;

/// What a retrieval found, counted here so that a handler stores to each counter once.
#[derive(Debug, Default)]
struct Reads {
    hits: u64,
    misses: u64,
    bytes_written: usize,
}

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
        let mut reads = Reads::default();
        let mut next = None;
        while let Some(key) = keys.next() {
            if reads.bytes_written >= PART_BYTES_MAX {
                next = Some(self.pause(keys.offset_of_last()));
                break;
            }
            match self.locate(key, keys.offset_of_last()) {
                Ok(hash) => match self.find_live(now, hash, key) {
                    Some(id) => {
                        self.note_detail(key, Access::Get { hit: true });
                        self.note_read(now, id, expires_at);
                        reads.hits += 1;
                        let item = self.entries.item(id);
                        reads.bytes_written += if retrieval.with_cas {
                            write_item_and_cas(output, item, self.visible_cas(item))
                        } else {
                            output.write(item.reply());
                            item.block_length()
                        };
                    }
                    None => {
                        self.note_detail(key, Access::Get { hit: false });
                        reads.misses += 1;
                    }
                },
                Err(elsewhere) => {
                    next = Some(elsewhere);
                    break;
                }
            }
        }
        self.count(&reads, expires_at.is_some());
        next.unwrap_or_else(|| answered(output, reply::END))
    }

    /// What a read changes: the place in the LRU list, and the expiry if it touches.
    #[inline]
    fn note_read(&mut self, now: u32, id: SlotId, expires_at: Option<u32>) {
        self.entries.note_read(id, now);
        if let Some(expires_at) = expires_at {
            self.entries.item_mut(id).expires_at = expires_at;
        }
    }

    #[inline]
    fn count(&mut self, reads: &Reads, touches: bool) {
        let counters = &mut self.counters;
        let (hits, misses) = if touches {
            (&mut counters.touch_hits, &mut counters.touch_misses)
        } else {
            (&mut counters.get_hits, &mut counters.get_misses)
        };
        if reads.hits > 0 {
            *hits += reads.hits;
        }
        if reads.misses > 0 {
            *misses += reads.misses;
        }
    }
}

/// Returns the number of bytes written.
fn write_item_and_cas(output: &mut Output, item: &Item, cas: u64) -> usize {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(cas).as_bytes();
    let mut word = [b' '; CAS_BYTES_MAX];
    word[1..=digits.len()].copy_from_slice(digits);
    let (before, after) = item.reply_around_cas();
    output.write(before);
    output.write(&word[..=digits.len()]);
    output.write(after);
    item.block_length()
}
