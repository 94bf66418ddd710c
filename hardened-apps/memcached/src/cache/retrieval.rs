//! `get`, `gets`, `gat`, `gats`.

use std::ops::DerefMut;

use asc_runtime::{Input, Output, asc_handler};

use super::details::Access;
use super::disposition::Disposition;
use super::expiry;
use super::item::Item;
use super::look_ahead::{self, LookAhead};
use super::placement::KeyHash;
use super::shard::{Shard, answered};
use super::slots::SlotId;
use crate::protocol::{KEY_BYTES_MAX, Retrieval, Words, reply, split_request};

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

/// Where the keys of a retrieval are.
pub(super) trait Owners {
    fn hash(&self, key: &[u8]) -> KeyHash;

    /// The shard that keys with this hash belong to, if it is one of these: only to look ahead.
    fn shard(&self, hash: KeyHash) -> Option<&Shard>;

    /// The shard that keys with this hash belong to; or where to go with the key at byte `at`.
    fn owner(&mut self, hash: KeyHash, at: usize) -> Result<&mut Shard, Disposition>;

    /// The shard that counts, and that goes on after a pause.
    fn first(&mut self) -> &mut Shard;
}

impl Owners for Shard {
    #[inline]
    fn hash(&self, key: &[u8]) -> KeyHash {
        self.hash_of(key)
    }

    #[inline]
    fn shard(&self, hash: KeyHash) -> Option<&Shard> {
        self.demand_owned(hash, 0).is_ok().then_some(self)
    }

    #[inline]
    fn owner(&mut self, hash: KeyHash, at: usize) -> Result<&mut Shard, Disposition> {
        self.demand_owned(hash, at)?;
        Ok(self)
    }

    #[inline]
    fn first(&mut self) -> &mut Shard {
        self
    }
}

/// All shards, in their order.
struct All<'a, S>(&'a mut [S]);

impl<S: DerefMut<Target = Shard>> Owners for All<'_, S> {
    #[inline]
    fn hash(&self, key: &[u8]) -> KeyHash {
        self.0[0].hash_of(key)
    }

    #[inline]
    fn shard(&self, hash: KeyHash) -> Option<&Shard> {
        let owner = self.0[0].owner_of(hash);
        Some(&**self.0.get(usize::from(owner))?)
    }

    #[inline]
    fn owner(&mut self, hash: KeyHash, at: usize) -> Result<&mut Shard, Disposition> {
        let owner = self.0[0].owner_of(hash);
        let shard = &mut *self.0[usize::from(owner)];
        // It decides itself whether it is the right one.
        shard.demand_owned(hash, at)?;
        Ok(shard)
    }

    #[inline]
    fn first(&mut self) -> &mut Shard {
        &mut self.0[0]
    }
}

/// Serves the keys of a `get` or `gets` from all shards at once: one handler where there would be one for
/// each change from shard to shard. `shards` are all of them, in their order. Whatever else the
/// request is, it is for the first shard's [`Shard::handle`].
#[asc_handler]
pub fn retrieve_from_all<S: DerefMut<Target = Shard>>(
    shards: &mut [S],
    now: u32,
    request: &Input<'_>,
    output: &mut Output,
) -> Disposition {
    for shard in shards.iter_mut() {
        shard.flush.advance(now);
    }
    let mut words = Words::new(split_request(request.bytes()).0);
    let with_cas = match words.next() {
        Some(b"get") => false,
        Some(b"gets") => true,
        _ => return shards[0].pause(0),
    };
    match Retrieval::parse(words, with_cas) {
        Ok(retrieval) => retrieve(&mut All(shards), now, &retrieval, 0, output),
        Err(_) => shards[0].pause(0),
    }
}

/// Serves the keys from byte `at` on, as far as they belong to these shards.
#[inline]
fn retrieve(
    owners: &mut impl Owners,
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
    let (mut next, mut ended) = (None, false);
    let mut ahead: Option<LookAhead> = None;
    while let Some(key) = keys.next() {
        let (at, is_last) = (keys.offset_of_last(), keys.is_empty());
        if reads.bytes_written >= PART_BYTES_MAX {
            next = Some(owners.first().pause(at));
            break;
        }
        let hash = match &mut ahead {
            None if is_last || !look_ahead::IS_WORTHWHILE => owners.hash(key),
            ahead => ahead
                .get_or_insert_with(LookAhead::new)
                .hash(owners, &retrieval.keys, at),
        };
        let shard = match owners.owner(hash, at) {
            Ok(shard) => shard,
            Err(elsewhere) => {
                next = Some(elsewhere);
                break;
            }
        };
        let Some(id) = shard.find_readable(now, hash, key) else {
            shard.note_detail(key, Access::Get { hit: false });
            reads.misses += 1;
            continue;
        };
        shard.note_detail(key, Access::Get { hit: true });
        shard.note_read(now, id, expires_at);
        reads.hits += 1;
        let item = shard.entries.item(id);
        reads.bytes_written += item.block_length();
        if retrieval.with_cas {
            write_item_and_cas(output, item, shard.visible_cas(item));
        } else if is_last {
            output.write(item.last_reply());
            ended = true;
        } else {
            output.write(item.reply());
        }
    }
    owners.first().count(&reads, expires_at.is_some());
    match next {
        Some(next) => next,
        None if ended => Disposition::Done,
        None => answered(output, reply::END),
    }
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
        retrieve(self, now, retrieval, at, output)
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

fn write_item_and_cas(output: &mut Output, item: &Item, cas: u64) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(cas).as_bytes();
    let mut word = [b' '; CAS_BYTES_MAX];
    word[1..=digits.len()].copy_from_slice(digits);
    let (before, after) = item.reply_around_cas();
    output.write(before);
    output.write(&word[..=digits.len()]);
    output.write(after);
}
