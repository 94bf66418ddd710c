//! What a shard counts.

use std::ops::AddAssign;

/// Counters of one shard, or of several added up. The busiest ones share the first cache line.
///
/// `cmd_get` and `cmd_touch` are not counted: they are hits plus misses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Counters {
    /// `get` and `gets` that found an item.
    pub get_hits: u64,
    /// `get` and `gets` that found none.
    pub get_misses: u64,
    /// Storage commands whose data block was read.
    pub cmd_set: u64,
    /// Items ever stored.
    pub total_items: u64,
    /// `touch`, `gat` and `gats` that found an item.
    pub touch_hits: u64,
    /// `touch`, `gat` and `gats` that found none.
    pub touch_misses: u64,
    /// Items evicted while they were alive.
    pub evictions: u64,
    /// Items that were asked for after they had expired.
    pub get_expired: u64,
    /// Items that were asked for after they had been flushed.
    pub get_flushed: u64,
    /// `flush_all`.
    pub cmd_flush: u64,
    /// `delete` that found an item.
    pub delete_hits: u64,
    /// `delete` that found none.
    pub delete_misses: u64,
    /// `incr` that found an item.
    pub incr_hits: u64,
    /// `incr` that found none.
    pub incr_misses: u64,
    /// `decr` that found an item.
    pub decr_hits: u64,
    /// `decr` that found none.
    pub decr_misses: u64,
    /// `cas` that stored.
    pub cas_hits: u64,
    /// `cas` that found no item.
    pub cas_misses: u64,
    /// `cas` that found another unique identifier.
    pub cas_badval: u64,
    /// Items refused because of the item size limit.
    pub store_too_large: u64,
    /// Items refused because they are larger than the shard's memory.
    pub store_no_memory: u64,
    /// Dead items removed to make room.
    pub reclaimed: u64,
    /// Of those, items that nobody had read.
    pub expired_unfetched: u64,
    /// Evicted items that nobody had read.
    pub evicted_unfetched: u64,
    /// Evicted items that were read of late.
    pub evicted_active: u64,
    /// `me`.
    pub cmd_meta: u64,
    /// Dead items removed by the crawler.
    pub crawler_reclaimed: u64,
    /// Items that the crawler looked at.
    pub crawler_items_checked: u64,
    /// Items that went from HOT or WARM to COLD.
    pub moves_to_cold: u64,
    /// Items that went to WARM.
    pub moves_to_warm: u64,
    /// Items that went from the end of WARM to its beginning.
    pub moves_within_lru: u64,
    /// How often the segments were balanced.
    pub maintenance_runs: u64,
    /// Items that no longer matched their checksum when they were read.
    pub checksum_failures: u64,
}

/// Counters of one size class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClassCounters {
    /// Items evicted.
    pub evicted: u64,
    /// Of those, items that would have expired.
    pub evicted_nonzero: u64,
    /// Seconds that the item evicted last had not been touched.
    pub evicted_time: u32,
    /// Evicted items that nobody had read.
    pub evicted_unfetched: u64,
    /// Evicted items that were read of late.
    pub evicted_active: u64,
    /// Items that did not fit.
    pub out_of_memory: u64,
    /// Dead items removed to make room.
    pub reclaimed: u64,
    /// Of those, items that nobody had read.
    pub expired_unfetched: u64,
    /// Dead items removed by the crawler.
    pub crawler_reclaimed: u64,
    /// Items that the crawler looked at.
    pub crawler_items_checked: u64,
    /// Items that went from HOT or WARM to COLD.
    pub moves_to_cold: u64,
    /// Items that went from the end of WARM to its beginning.
    pub moves_within_lru: u64,
}

impl AddAssign for ClassCounters {
    fn add_assign(&mut self, other: Self) {
        self.evicted += other.evicted;
        self.evicted_nonzero += other.evicted_nonzero;
        self.evicted_time = self.evicted_time.max(other.evicted_time);
        self.evicted_unfetched += other.evicted_unfetched;
        self.evicted_active += other.evicted_active;
        self.out_of_memory += other.out_of_memory;
        self.reclaimed += other.reclaimed;
        self.expired_unfetched += other.expired_unfetched;
        self.crawler_reclaimed += other.crawler_reclaimed;
        self.crawler_items_checked += other.crawler_items_checked;
        self.moves_to_cold += other.moves_to_cold;
        self.moves_within_lru += other.moves_within_lru;
    }
}

impl Counters {
    /// The counters that `stats` shows, in its order, with their names.
    pub fn named(&self) -> [(&'static str, u64); 33] {
        [
            ("cmd_get", self.get_hits + self.get_misses),
            ("cmd_set", self.cmd_set),
            ("cmd_flush", self.cmd_flush),
            ("cmd_touch", self.touch_hits + self.touch_misses),
            ("cmd_meta", self.cmd_meta),
            ("get_hits", self.get_hits),
            ("get_misses", self.get_misses),
            ("get_expired", self.get_expired),
            ("get_flushed", self.get_flushed),
            ("delete_misses", self.delete_misses),
            ("delete_hits", self.delete_hits),
            ("incr_misses", self.incr_misses),
            ("incr_hits", self.incr_hits),
            ("decr_misses", self.decr_misses),
            ("decr_hits", self.decr_hits),
            ("cas_misses", self.cas_misses),
            ("cas_hits", self.cas_hits),
            ("cas_badval", self.cas_badval),
            ("touch_hits", self.touch_hits),
            ("touch_misses", self.touch_misses),
            ("store_too_large", self.store_too_large),
            ("store_no_memory", self.store_no_memory),
            ("total_items", self.total_items),
            ("expired_unfetched", self.expired_unfetched),
            ("evicted_unfetched", self.evicted_unfetched),
            ("evicted_active", self.evicted_active),
            ("evictions", self.evictions),
            ("reclaimed", self.reclaimed),
            ("crawler_reclaimed", self.crawler_reclaimed),
            ("crawler_items_checked", self.crawler_items_checked),
            ("moves_to_cold", self.moves_to_cold),
            ("moves_to_warm", self.moves_to_warm),
            ("moves_within_lru", self.moves_within_lru),
        ]
    }
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        self.get_hits += other.get_hits;
        self.get_misses += other.get_misses;
        self.cmd_set += other.cmd_set;
        self.total_items += other.total_items;
        self.touch_hits += other.touch_hits;
        self.touch_misses += other.touch_misses;
        self.evictions += other.evictions;
        self.get_expired += other.get_expired;
        self.get_flushed += other.get_flushed;
        self.cmd_flush += other.cmd_flush;
        self.delete_hits += other.delete_hits;
        self.delete_misses += other.delete_misses;
        self.incr_hits += other.incr_hits;
        self.incr_misses += other.incr_misses;
        self.decr_hits += other.decr_hits;
        self.decr_misses += other.decr_misses;
        self.cas_hits += other.cas_hits;
        self.cas_misses += other.cas_misses;
        self.cas_badval += other.cas_badval;
        self.store_too_large += other.store_too_large;
        self.store_no_memory += other.store_no_memory;
        self.reclaimed += other.reclaimed;
        self.expired_unfetched += other.expired_unfetched;
        self.evicted_unfetched += other.evicted_unfetched;
        self.evicted_active += other.evicted_active;
        self.cmd_meta += other.cmd_meta;
        self.crawler_reclaimed += other.crawler_reclaimed;
        self.crawler_items_checked += other.crawler_items_checked;
        self.moves_to_cold += other.moves_to_cold;
        self.moves_to_warm += other.moves_to_warm;
        self.moves_within_lru += other.moves_within_lru;
        self.maintenance_runs += other.maintenance_runs;
        self.checksum_failures += other.checksum_failures;
    }
}
