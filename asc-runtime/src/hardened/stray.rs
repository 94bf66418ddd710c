//! Whether a store may have gone astray.
//!
//! If the address of a store changes behind its hook, the word that should have been written keeps its
//! old value in that run, and a word that nobody knows of is overwritten. The comparison finds the
//! first; no rollback undoes the second.

use core::ptr;

use crate::fault::Fault;

use super::memory::{first_difference, read_word};
use super::undo_log::{Entry, UndoLog};

/// Which of two runs, found to differ, left a place as it was where the other changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Strays {
    /// The first run, whose results were recorded.
    pub(super) by_first: bool,
    /// The run that has just been compared with it.
    pub(super) by_last: bool,
}

impl UndoLog {
    /// Asked before the last run is undone.
    pub(super) fn strays(&self) -> Result<Strays, Fault> {
        let mut strays = Strays::default();
        for entry in self.recorded()? {
            let place = self.compare_with_old(entry);
            strays.by_first |= place.by_first;
            strays.by_last |= place.by_last;
        }
        Ok(strays)
    }

    fn compare_with_old(&self, entry: &Entry) -> Strays {
        let Entry {
            address, length, ..
        } = *entry;
        let last = if entry.is_range() {
            let found = ptr::with_exposed_provenance(address);
            // SAFETY: E1 and L2.
            unsafe { first_difference(self.old_range(entry), found, length) }.is_some()
        } else {
            // SAFETY: E1.
            entry.old != unsafe { read_word(address, length) }
        };
        let first = self.has_changed(entry);
        Strays {
            by_first: last && !first,
            by_last: first && !last,
        }
    }

    /// Whether the first run left something else than it found at a captured entry.
    pub(super) fn has_changed(&self, entry: &Entry) -> bool {
        if !entry.is_range() {
            return entry.old != entry.new;
        }
        let (old, new) = (self.old_range(entry), self.new_range(entry));
        // SAFETY: L2 for both.
        unsafe { first_difference(old, new, entry.length) }.is_some()
    }
}
