//! `stats cachedump`: the items of a size class, a few at a time, for people.

use asc_runtime::Output;

use super::disposition::Disposition;
use super::expiry;
use super::lru::Segment;
use super::shard::{Shard, answered};
use crate::protocol::{CacheDump, reply};

/// memcached's limit of what it writes.
const BYTES_MAX: usize = 2 << 20;

impl Shard {
    /// Writes items of the class, those first that would be evicted last in each segment. Without
    /// a limit of its own it ends with what is written at most.
    #[inline(never)]
    pub(super) fn cachedump(
        &mut self,
        now: u32,
        request: CacheDump,
        output: &mut Output,
    ) -> Disposition {
        let limit = match request.limit {
            0 => usize::MAX,
            limit => limit as usize,
        };
        let (mut items, mut bytes) = (0, 0);
        for segment in [
            Segment::Cold,
            Segment::Hot,
            Segment::Warm,
            Segment::Temporary,
        ] {
            let mut next = self.entries.newest(segment);
            while let Some(id) = next
                && items < limit
                && bytes < BYTES_MAX
            {
                let slot = self.entries.slot(id);
                next = slot.older.some();
                if u32::from(slot.class) != request.class || self.is_dead(now, &slot.item) {
                    continue;
                }
                let item = &slot.item;
                let expires = match item.expires_at {
                    expiry::NEVER => 0,
                    time => time,
                };
                output.write(b"ITEM ");
                output.write(item.key());
                let rest = format!(" [{} b; {expires} s]\r\n", item.data().len());
                output.write(rest.as_bytes());
                items += 1;
                bytes += item.key().len() + rest.len();
            }
        }
        match self.next_shard() {
            Some(shard) => Disposition::Continue { shard, at: 0 },
            None => answered(output, reply::END),
        }
    }
}
