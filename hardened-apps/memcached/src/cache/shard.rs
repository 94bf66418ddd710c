//! The handler: one request executed on one shard.
//!
//! 1. The request is split into its command line and its data block.
//! 2. The line is parsed.
//! 3. The command is executed and its reply written.
//!
//! A request of the binary protocol has a handler of its own, [`Shard::handle_binary`].
//!
//! What `get` and `set` do not need is kept out of their functions (`#[inline(never)]`): before each run
//! as much of the stack is cleared as a handler reaches down.
//!
//! All of it is a function of (shard, now, request): no clock, no I/O, no lock, no randomness.

use std::ops::AddAssign;

use asc_runtime::{Input, Output, asc_handler};

use super::classes::{CLASSES_MAX, ClassSizes};
use super::counters::{ClassCounters, Counters};
use super::details::Details;
use super::disposition::Disposition;
use super::entries::Entries;
use super::eviction::LruTuning;
use super::expiry;
use super::flush::Flush;
use super::item::{self, Item};
use super::placement::{KeyHash, Placement};
use super::slots::SlotId;
use crate::protocol::{
    Command, Rejection, Retrieval, StatisticsKind, Store, StoreMode, Words, reply, split_request,
};

/// The limits of a shard, in bytes, and what else the command line decides about it.
#[derive(Debug, Clone, Copy)]
pub struct ShardLimits {
    /// Items, their slots and their share of the index.
    pub memory_bytes: usize,
    /// The largest item, counted as stock memcached counts: key, data and 59 to 63 bytes.
    pub item_bytes: usize,
    /// The size classes that statistics know.
    pub classes: ClassSizes,
    /// How items are chosen for eviction.
    pub lru: LruTuning,
    /// Whether clients see unique identifiers (not with `-C`).
    pub cas: bool,
    /// Whether items are evicted (not with `-M`: storing fails instead).
    pub evict: bool,
    /// Whether clients may flush (not with `-F`).
    pub flush: bool,
    /// Whether clients may have items written down (not with `-X`).
    pub dump: bool,
    /// Whether the flags of all items are their checksums (`--verify-checksums`).
    pub checksums: bool,
    /// What ends the prefix of a key (`-D`).
    pub prefix_delimiter: u8,
}

impl Default for ShardLimits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            item_bytes: 1 << 20,
            classes: ClassSizes::default(),
            lru: LruTuning::default(),
            cas: true,
            evict: true,
            flush: true,
            dump: true,
            checksums: false,
            prefix_delimiter: b':',
        }
    }
}

/// A part of the cache: all keys whose hash falls into it.
///
/// Exclusive access is the caller's business: `&mut self` says that whoever calls a handler holds
/// the shard, for both of its runs.
#[derive(Debug)]
pub struct Shard {
    pub(super) counters: Counters,
    pub(super) entries: Entries,
    pub(super) flush: Flush,
    /// The next unique identifier.
    pub(super) next_cas: u64,
    /// How far apart they are: those of all shards differ.
    pub(super) cas_step: u64,
    pub(super) settings: ShardLimits,
    pub(super) class_counters: Box<[ClassCounters; CLASSES_MAX]>,
    pub(super) details: Details,
    placement: Placement,
}

impl Shard {
    /// An empty shard.
    pub fn new(limits: ShardLimits, placement: Placement) -> Self {
        let header_bytes = item::stock_header_bytes(limits.cas);
        let mut entries = Entries::new(limits.memory_bytes, limits.classes, header_bytes);
        entries.set_segmented(limits.lru.segmented);
        Self {
            counters: Counters::default(),
            entries,
            flush: Flush::default(),
            next_cas: 1 + u64::from(placement.shard()),
            cas_step: u64::from(placement.shards()),
            settings: limits,
            class_counters: Box::new([ClassCounters::default(); CLASSES_MAX]),
            details: Details::default(),
            placement,
        }
    }

    /// Executes a request: a command line and, for storage commands, its data block, both with
    /// their CRLF. A storage command too large for the cache comes without its data block.
    ///
    /// `now` is the Unix time in seconds; it must not decrease from call to call.
    #[asc_handler]
    pub fn handle(&mut self, now: u32, request: &Input<'_>, output: &mut Output) -> Disposition {
        self.execute(now, request.bytes(), 0, output)
    }

    /// Executes the part of a request that begins with the key at byte `at`, after
    /// [`Disposition::Continue`].
    #[asc_handler]
    pub fn resume(
        &mut self,
        now: u32,
        request: &Input<'_>,
        at: usize,
        output: &mut Output,
    ) -> Disposition {
        self.execute(now, request.bytes(), at, output)
    }

    /// Does silently what another shard has answered, after [`Disposition::Everywhere`].
    #[asc_handler]
    pub fn follow(&mut self, now: u32, request: &Input<'_>) {
        self.flush.advance(now);
        match Command::parse(split_request(request.bytes()).0) {
            Ok(Command::FlushAll { delay, .. }) => self.flush_all(now, delay),
            Ok(Command::Statistics(StatisticsKind::Reset)) => self.reset_counters(),
            _ => {}
        }
    }

    /// Changes the memory limit, and evicts of what is too much as many items as one handler may.
    /// Returns whether there are more: then call it again.
    #[asc_handler]
    pub fn limit_memory(&mut self, now: u32, memory_bytes: usize) -> bool {
        if self.entries.memory().limit() != memory_bytes {
            self.entries.memory_mut().set_limit(memory_bytes);
        }
        self.evict(now);
        self.entries.memory().is_exceeded()
    }

    /// Changes how items are chosen for eviction.
    #[asc_handler]
    pub fn tune(&mut self, tuning: LruTuning) {
        self.settings.lru = tuning;
        self.entries.set_segmented(tuning.segmented);
    }

    /// The counters.
    pub fn counters(&self) -> Counters {
        let mut counters = self.counters;
        for class in self.class_counters.iter() {
            counters.moves_to_cold += class.moves_to_cold;
            counters.moves_within_lru += class.moves_within_lru;
            counters.crawler_reclaimed += class.crawler_reclaimed;
            counters.crawler_items_checked += class.crawler_items_checked;
        }
        for class in self.entries.classes().numbers() {
            counters.moves_to_warm += self.entries.usage_of(class).moves_to_warm;
        }
        counters
    }

    /// Sizes, not counters: items, bytes, hash buckets.
    pub fn usage(&self) -> Usage {
        Usage {
            items: self.entries.len() as u64,
            bytes: self.entries.stock_bytes(),
            bytes_used: self.entries.memory().used() as u64,
            bytes_max: self.entries.memory().limit() as u64,
            buckets: self.entries.buckets() as u64,
        }
    }

    /// The two frequent commands are understood here, so that their arguments stay in registers; a
    /// [`Command`] is written to memory and read back.
    fn execute(&mut self, now: u32, request: &[u8], at: usize, output: &mut Output) -> Disposition {
        self.flush.advance(now);
        let (line, data) = split_request(request);
        let mut words = Words::new(line);
        match words.next() {
            Some(b"get") => match Retrieval::parse(words, false) {
                Ok(retrieval) => self.retrieve(now, &retrieval, at, output),
                Err(rejection) => reject(rejection, output),
            },
            Some(b"set") => match Store::parse(words, StoreMode::Set) {
                Ok(store) => self.store(now, &store, data, output),
                Err(rejection) => reject(rejection, output),
            },
            _ => self.execute_other(now, line, data, at, output),
        }
    }

    #[inline(never)]
    fn execute_other(
        &mut self,
        now: u32,
        line: &[u8],
        data: &[u8],
        at: usize,
        output: &mut Output,
    ) -> Disposition {
        match Command::parse(line) {
            Ok(command) => self.perform(now, command, data, at, output),
            Err(rejection) => reject(rejection, output),
        }
    }

    fn perform(
        &mut self,
        now: u32,
        command: Command<'_>,
        data: &[u8],
        at: usize,
        output: &mut Output,
    ) -> Disposition {
        match command {
            Command::Retrieve(retrieval) => self.retrieve(now, &retrieval, at, output),
            Command::Store(store) => self.store(now, &store, data, output),
            Command::Delete(delete) => self.delete(now, &delete, output),
            Command::Arithmetic(arithmetic) => self.arithmetic(now, &arithmetic, output),
            Command::Touch(touch) => self.touch(now, &touch, output),
            Command::Meta(verb, words) => self.meta(now, verb, words, data, output),
            Command::MetaNothing => answered(output, reply::META_NOTHING),
            Command::FlushAll { noreply, .. } if !self.settings.flush => {
                answer_unless(noreply, output, reply::FLUSH_NOT_ALLOWED);
                Disposition::Done
            }
            Command::FlushAll { delay, noreply } => {
                self.flush_all(now, delay);
                self.counters.cmd_flush += 1;
                answer_unless(noreply, output, reply::OK);
                Disposition::Everywhere
            }
            Command::Version => answered(output, reply::VERSION),
            Command::Verbosity { level, noreply } => {
                answer_unless(noreply, output, reply::OK);
                Disposition::Verbosity(level)
            }
            Command::Quit => Disposition::Close,
            Command::Statistics(StatisticsKind::Reset) => {
                self.reset_counters();
                output.write(reply::RESET);
                Disposition::EverywhereReset
            }
            Command::Statistics(kind) => Disposition::Statistics(kind),
            Command::Detail(_) => Disposition::Details,
            Command::CacheDump(_) if !self.settings.dump => {
                answered(output, reply::CACHEDUMP_NOT_ALLOWED)
            }
            Command::CacheDump(request) => self.cachedump(now, request, output),
            Command::Administration => Disposition::Administer,
        }
    }

    /// The key's hash, or where to go with a key of another shard.
    #[inline]
    pub(super) fn locate(&self, key: &[u8], at: usize) -> Result<KeyHash, Disposition> {
        let hash = self.hash_of(key);
        self.demand_owned(hash, at)?;
        Ok(hash)
    }

    #[inline]
    pub(super) fn hash_of(&self, key: &[u8]) -> KeyHash {
        self.placement.hash(key)
    }

    /// The number of the shard that keys with this hash belong to.
    #[inline]
    pub(super) fn owner_of(&self, hash: KeyHash) -> u16 {
        self.placement.owner_of(hash)
    }

    /// Whether keys with this hash belong to this shard; or where to go with the key at byte `at`.
    #[inline]
    pub(super) fn demand_owned(&self, hash: KeyHash, at: usize) -> Result<(), Disposition> {
        match self.owner_of(hash) {
            owner if owner == self.placement.shard() => Ok(()),
            owner => Err(continue_at(owner, at)),
        }
    }

    /// Continue here, after the output was sent.
    pub(super) fn pause(&self, at: usize) -> Disposition {
        continue_at(self.placement.shard(), at)
    }

    /// The number of the shard after this one, if there is one.
    pub(super) fn next_shard(&self) -> Option<u16> {
        let next = self.placement.shard() + 1;
        (next < self.placement.shards()).then_some(next)
    }

    /// The slot of a live item. A dead one is removed on the way.
    #[inline]
    pub(super) fn find_live(&mut self, now: u32, hash: KeyHash, key: &[u8]) -> Option<SlotId> {
        let id = self.entries.find(hash.low(), key)?;
        let item = self.entries.item(id);
        if self.flush.covers(item) {
            self.counters.get_flushed += 1;
        } else if expiry::is_over(item.expires_at, now) {
            self.counters.get_expired += 1;
        } else {
            return Some(id);
        }
        self.entries.remove(id);
        None
    }

    pub(super) fn take_cas(&mut self) -> u64 {
        let cas = self.next_cas;
        self.next_cas += self.cas_step;
        cas
    }

    /// The unique identifier that clients see: 0 when they are switched off.
    pub(super) fn visible_cas(&self, item: &Item) -> u64 {
        if self.settings.cas { item.cas } else { 0 }
    }

    pub(super) fn reset_counters(&mut self) {
        self.counters = Counters::default();
        self.details.clear();
        self.entries.reset_counters();
        *self.class_counters = [ClassCounters::default(); CLASSES_MAX];
    }
}

/// How full a shard is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Items, dead ones that nobody asked for included.
    pub items: u64,
    /// Bytes in use as memcached counts them.
    pub bytes: u64,
    /// Bytes in use.
    pub bytes_used: u64,
    /// Bytes that may be in use.
    pub bytes_max: u64,
    /// Hash buckets.
    pub buckets: u64,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.items += other.items;
        self.bytes += other.bytes;
        self.bytes_used += other.bytes_used;
        self.bytes_max += other.bytes_max;
        self.buckets += other.buckets;
    }
}

/// `at` counts bytes of a request or slots: both fit.
fn continue_at(shard: u16, at: usize) -> Disposition {
    let at = at as u32;
    Disposition::Continue { shard, at }
}

pub(super) fn answered(output: &mut Output, text: &[u8]) -> Disposition {
    output.write(text);
    Disposition::Done
}

#[cold]
#[inline(never)]
fn reject(rejection: Rejection, output: &mut Output) -> Disposition {
    match rejection {
        Rejection::Reply(text) => answered(output, text),
        Rejection::Silence => Disposition::Done,
        Rejection::Hangup => Disposition::Close,
    }
}

pub(super) fn answer_unless(noreply: bool, output: &mut Output, text: &[u8]) {
    if !noreply {
        output.write(text);
    }
}
