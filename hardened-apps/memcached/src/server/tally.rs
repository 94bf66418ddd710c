//! A count that one thread keeps and all may read and reset.
//!
//! It counts several times per request, where an atomic addition would cost as much as all the rest of the
//! bookkeeping: so it only ever grows, by a load and a store of its thread, and who resets it notes how far
//! it was.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The count since the last reset.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counted: AtomicU64,
    /// What was counted before the last reset.
    forgotten: AtomicU64,
}

impl Tally {
    /// Only its own thread calls this.
    pub(crate) fn add(&self, count: u64) {
        let counted = self.counted.load(Relaxed);
        self.counted.store(counted.wrapping_add(count), Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        let forgotten = self.forgotten.load(Relaxed);
        self.counted.load(Relaxed).wrapping_sub(forgotten)
    }

    pub(crate) fn reset(&self) {
        self.forgotten.store(self.counted.load(Relaxed), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn it_counts_from_the_last_reset() {
        let tally = Tally::default();
        tally.add(3);
        tally.add(4);
        assert_eq!(tally.get(), 7);
        tally.reset();
        assert_eq!(tally.get(), 0);
        tally.add(u64::MAX);
        tally.add(2);
        assert_eq!(tally.get(), 1);
    }
}
