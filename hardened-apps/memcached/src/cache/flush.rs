//! `flush_all`: everything that is older than a moment is dead.
//!
//! Flushing writes down that moment and touches no item. Flushed items are removed when somebody
//! asks for them or when their memory is needed.

use super::item::Item;

/// The moments before which everything is dead.
#[derive(Debug, Default)]
pub(crate) struct Flush {
    /// Items with a smaller unique identifier are dead: flushed at once.
    cas: u64,
    /// Items stored earlier are dead: flushed with a delay that has passed. 0 before the first.
    before: u32,
    /// When the pending flush happens, in seconds; 0 when none is pending.
    pending_at: u32,
}

impl Flush {
    /// Kills everything whose unique identifier is below `next_cas`.
    pub(crate) fn now(&mut self, next_cas: u64) {
        self.cas = next_cas;
        self.pending_at = 0;
    }

    /// Kills everything that is stored before this second is over: without unique identifiers
    /// memcached cannot tell what was stored after a flush in the same second.
    pub(crate) fn second(&mut self, now: u32) {
        self.before = self.before.max(now + 1);
    }

    /// Kills, once it is `time`, everything that was stored earlier. Replaces a pending flush.
    pub(crate) fn at(&mut self, time: u32) {
        self.pending_at = time;
    }

    /// Lets a pending flush happen when its time has come. Call it at the start of every request.
    #[inline]
    pub(crate) fn advance(&mut self, now: u32) {
        if self.pending_at != 0 && self.pending_at <= now {
            self.before = self.before.max(self.pending_at);
            self.pending_at = 0;
        }
    }

    #[inline]
    pub(crate) fn covers(&self, item: &Item) -> bool {
        item.cas < self.cas || item.stored_at < self.before
    }
}
