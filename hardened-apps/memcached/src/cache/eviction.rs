//! Making room: balancing the LRU's segments, and evicting.
//!
//! memcached balances in a thread of its own. Here a shard is exclusively its handler's, so that
//! balancing is a handler too ([`Shard::maintain`]), called every now and then, and a part of
//! every store that needs room.

use asc_runtime::asc_handler;

use super::expiry;
use super::item::{Item, marks};
use super::lru::Segment;
use super::shard::Shard;
use super::slots::SlotId;

/// Items that a store moves between segments at most, for each that it evicts.
const STEPS_PER_EVICTION: usize = 4;
/// Active items that a store spares at most: where all are, one has to go in the end.
const RESCUES_PER_STORE: usize = 64;
/// Items that one handler evicts at most; the next goes on. The largest item of the default size
/// displaces a third of that in the smallest ones.
const EVICTIONS_PER_HANDLER: usize = 16 * 1024;
/// Dead items that a store that may not evict removes at most.
const RECLAIMS_PER_STORE: usize = 50;

/// How the LRU is divided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LruTuning {
    /// Whether there are segments at all.
    pub segmented: bool,
    /// HOT's and WARM's share of the memory in use.
    pub hot_percent: u32,
    /// WARM's share of the memory in use.
    pub warm_percent: u32,
    /// HOT keeps no item longer than this multiple of the age of COLD's oldest item.
    pub hot_age_factor: f64,
    /// The same for WARM.
    pub warm_age_factor: f64,
    /// Items that live this long or shorter are never evicted; `None` switches that off.
    pub temporary_seconds: Option<u32>,
}

impl Default for LruTuning {
    fn default() -> Self {
        Self {
            segmented: true,
            hot_percent: 20,
            warm_percent: 40,
            hot_age_factor: 0.2,
            warm_age_factor: 2.0,
            temporary_seconds: None,
        }
    }
}

impl Shard {
    /// Moves or removes up to `steps_max` items that are due; returns how many. Call it again
    /// while it returns `steps_max`.
    #[asc_handler]
    pub fn maintain(&mut self, now: u32, steps_max: usize) -> usize {
        self.flush.advance(now);
        let mut steps = 0;
        while steps < steps_max && self.balance_step(now) {
            steps += 1;
        }
        self.counters.maintenance_runs += 1;
        steps
    }

    /// Whether [`maintain`](Self::maintain) would do anything. No handler: it only looks.
    pub fn is_maintenance_due(&self, now: u32) -> bool {
        self.dead_tail(now).is_some()
            || (self.entries.is_segmented()
                && (self.is_out_of_balance(now, Segment::Hot)
                    || self.is_out_of_balance(now, Segment::Warm)
                    || self.is_active(Segment::Cold)))
    }

    /// Removes items until the memory limit holds, or as many as one handler may. The newest item is the one just stored, and
    /// fits alone.
    #[inline(never)]
    pub(super) fn evict(&mut self, now: u32) {
        let mut rescues = RESCUES_PER_STORE;
        for _ in 0..EVICTIONS_PER_HANDLER {
            if !self.entries.memory().is_exceeded() {
                return;
            }
            let mut steps = STEPS_PER_EVICTION;
            while steps > 0 && self.entries.memory().is_exceeded() && self.balance_step(now) {
                steps -= 1;
            }
            if !self.entries.memory().is_exceeded() {
                return;
            }
            let Some(victim) = self.victim() else {
                return;
            };
            if rescues > 0 && self.entries.item(victim).marks & marks::ACTIVE != 0 {
                rescues -= 1;
                self.entries.warm_up(victim, now);
            } else {
                self.evict_item(now, victim);
            }
        }
    }

    /// Whether the item may be stored: after evicting, or without.
    pub(super) fn has_room_for(&mut self, now: u32, found: Option<SlotId>, item: &Item) -> bool {
        if self.settings.evict {
            return self.entries.memory().can_ever_hold(item);
        }
        let old = found.map(|id| self.entries.item(id));
        if self.entries.memory().has_room_for(item, old) {
            return true;
        }
        for _ in 0..RECLAIMS_PER_STORE {
            if !self.reclaim_one(now) {
                break;
            }
        }
        let old = found.map(|id| self.entries.item(id));
        self.entries.memory().has_room_for(item, old)
    }

    /// Whether nobody can get the item any more.
    pub(super) fn is_dead(&self, now: u32, item: &Item) -> bool {
        self.flush.covers(item) || expiry::is_over(item.expires_at, now)
    }

    /// Moves or removes one item that is due, if there is any.
    fn balance_step(&mut self, now: u32) -> bool {
        if self.reclaim_one(now) {
            return true;
        }
        self.entries.is_segmented()
            && (self.balance_segment(now, Segment::Hot)
                || self.balance_segment(now, Segment::Warm)
                || self.rescue_from_cold(now))
    }

    /// Moves the oldest item of HOT or WARM if it has to leave.
    fn balance_segment(&mut self, now: u32, segment: Segment) -> bool {
        if !self.is_out_of_balance(now, segment) {
            return false;
        }
        let Some(id) = self.entries.oldest(segment) else {
            return false;
        };
        let active = self.entries.item(id).marks & marks::ACTIVE != 0;
        let class = usize::from(self.entries.slot(id).class);
        let counters = &mut self.class_counters[class];
        match (active, segment) {
            (true, Segment::Warm) => counters.moves_within_lru += 1,
            (true, _) => {}
            (false, _) => counters.moves_to_cold += 1,
        }
        if active {
            self.entries.warm_up(id, now);
        } else {
            self.entries.move_to(id, Segment::Cold);
        }
        true
    }

    /// Whether the oldest item of HOT or WARM has to leave: it was read, the segment is too large
    /// or it is too old.
    fn is_out_of_balance(&self, now: u32, segment: Segment) -> bool {
        let Some(id) = self.entries.oldest(segment) else {
            return false;
        };
        if self.is_active(segment) {
            return true;
        }
        let tuning = &self.settings.lru;
        let (percent, factor) = match segment {
            Segment::Hot => (tuning.hot_percent, tuning.hot_age_factor),
            _ => (tuning.warm_percent, tuning.warm_age_factor),
        };
        let cold = self.entries.oldest(Segment::Cold);
        let cold_age = cold.map_or(0, |id| self.age_of(now, id));
        self.entries.segment_bytes(segment) > self.entries.stock_bytes() / 100 * u64::from(percent)
            || f64::from(self.age_of(now, id)) > f64::from(cold_age) * factor
    }

    fn is_active(&self, segment: Segment) -> bool {
        let oldest = self.entries.oldest(segment);
        oldest.is_some_and(|id| self.entries.item(id).marks & marks::ACTIVE != 0)
    }

    fn rescue_from_cold(&mut self, now: u32) -> bool {
        match self.entries.oldest(Segment::Cold) {
            Some(id) if self.is_active(Segment::Cold) => {
                self.entries.warm_up(id, now);
                true
            }
            _ => false,
        }
    }

    /// The oldest item of a segment that is dead, if there is any.
    fn dead_tail(&self, now: u32) -> Option<SlotId> {
        [
            Segment::Cold,
            Segment::Temporary,
            Segment::Hot,
            Segment::Warm,
        ]
        .into_iter()
        .filter_map(|segment| self.entries.oldest(segment))
        .find(|id| self.is_dead(now, self.entries.item(*id)))
    }

    /// Removes the oldest item of a segment if it is dead.
    pub(super) fn reclaim_one(&mut self, now: u32) -> bool {
        let dead = self.dead_tail(now);
        if let Some(id) = dead {
            self.reclaim(id);
        }
        dead.is_some()
    }

    fn reclaim(&mut self, id: SlotId) {
        let slot = self.entries.slot(id);
        let unfetched = u64::from(slot.item.marks & marks::FETCHED == 0);
        let class = usize::from(slot.class);
        self.counters.reclaimed += 1;
        self.counters.expired_unfetched += unfetched;
        self.class_counters[class].reclaimed += 1;
        self.class_counters[class].expired_unfetched += unfetched;
        self.entries.remove(id);
    }

    /// What to evict: temporary items only when there is nothing else.
    fn victim(&self) -> Option<SlotId> {
        [
            Segment::Cold,
            Segment::Hot,
            Segment::Warm,
            Segment::Temporary,
        ]
        .into_iter()
        .find_map(|segment| self.entries.oldest(segment))
    }

    fn evict_item(&mut self, now: u32, id: SlotId) {
        let age = self.age_of(now, id);
        let slot = self.entries.slot(id);
        let unfetched = u64::from(slot.item.marks & marks::FETCHED == 0);
        let active = u64::from(slot.item.marks & marks::ACTIVE != 0);
        let mortal = u64::from(slot.item.expires_at != expiry::NEVER);
        let class = usize::from(slot.class);
        self.counters.evictions += 1;
        self.counters.evicted_unfetched += unfetched;
        self.counters.evicted_active += active;
        let counters = &mut self.class_counters[class];
        counters.evicted += 1;
        counters.evicted_nonzero += mortal;
        counters.evicted_time = age;
        counters.evicted_unfetched += unfetched;
        counters.evicted_active += active;
        self.entries.remove(id);
    }

    pub(super) fn age_of(&self, now: u32, id: SlotId) -> u32 {
        now.saturating_sub(self.entries.slot(id).moved_at)
    }
}
