//! What statistics tell of the size classes.

use super::counters::ClassCounters;
use super::lru::{SEGMENTS, Segment};
use super::shard::Shard;

/// Items from the oldest one on that are looked at for the ages of classes.
const LOOKED_AT_MAX: usize = 10_000;

/// A size class of one shard, or of several added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClassView {
    /// Its number.
    pub class: usize,
    /// Its chunk size.
    pub chunk_bytes: u64,
    /// How many chunks memcached has in a page.
    pub chunks_per_page: u64,
    /// Items in HOT, WARM, COLD and TEMP.
    pub items: [u64; SEGMENTS],
    /// Bytes of the items, as memcached counts them.
    pub bytes: u64,
    /// Seconds since the oldest item of HOT, WARM and COLD was moved there or used.
    pub ages: [u32; 3],
    /// Whether there has ever been an item.
    pub used: bool,
    /// Items that went to WARM.
    pub moves_to_warm: u64,
    /// What has happened to its items.
    pub counters: ClassCounters,
}

impl ClassView {
    /// memcached's unit of memory.
    pub const PAGE_BYTES: u64 = 1 << 20;

    /// Items of all segments.
    pub fn items_total(&self) -> u64 {
        self.items.iter().sum()
    }

    /// Chunks that the items take: more than one each if they are larger than a chunk.
    pub fn chunks(&self) -> u64 {
        self.items_total()
            .max(self.bytes.div_ceil(self.chunk_bytes.max(1)))
    }

    /// Pages that hold these chunks.
    pub fn pages(&self) -> u64 {
        self.chunks().div_ceil(self.chunks_per_page.max(1)).max(1)
    }

    /// Adds the same class of another shard.
    pub fn add(&mut self, other: &Self) {
        for (items, others) in self.items.iter_mut().zip(other.items) {
            *items += others;
        }
        for (age, others) in self.ages.iter_mut().zip(other.ages) {
            *age = (*age).max(others);
        }
        self.bytes += other.bytes;
        self.used |= other.used;
        self.moves_to_warm += other.moves_to_warm;
        self.counters += other.counters;
    }
}

impl Shard {
    /// All size classes. No handler: it only looks.
    pub fn class_views(&self, now: u32) -> Vec<ClassView> {
        let classes = self.entries.classes();
        let mut views: Vec<ClassView> = classes
            .numbers()
            .map(|class| {
                let usage = self.entries.usage_of(class);
                ClassView {
                    class,
                    chunk_bytes: classes.chunk_bytes(class).into(),
                    chunks_per_page: classes.chunks_per_page(class).into(),
                    items: usage.items.map(u64::from),
                    bytes: usage.bytes,
                    ages: [0; 3],
                    used: usage.used,
                    moves_to_warm: usage.moves_to_warm,
                    counters: self.class_counters[class],
                }
            })
            .collect();
        for (position, segment) in [Segment::Hot, Segment::Warm, Segment::Cold]
            .into_iter()
            .enumerate()
        {
            self.find_ages(now, segment, |class, age| {
                views[class - 1].ages[position] = age
            });
        }
        views
    }

    /// Tells the age of the oldest item of each class in a segment.
    fn find_ages(&self, now: u32, segment: Segment, mut tell: impl FnMut(usize, u32)) {
        let mut seen = 0_u64;
        let mut next = self.entries.oldest(segment);
        for _ in 0..LOOKED_AT_MAX {
            let Some(id) = next else {
                return;
            };
            let slot = self.entries.slot(id);
            if seen >> slot.class & 1 == 0 {
                seen |= 1 << slot.class;
                tell(slot.class.into(), self.age_of(now, id));
            }
            next = slot.newer.some();
        }
    }
}
