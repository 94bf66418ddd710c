//! The state goes back to what it was before the first run.
//!
//! 1. Old bytes are written in reverse order, each entry in exactly its width.
//! 2. What was written where is summed on the way and compared with the capture's sum.
//! 3. Every byte is read again.

use core::hint::black_box;
use core::ptr;

use crate::fault::{Fault, Stage};

use super::first_touch;
use super::integrity::{self, LineSet};
use super::memory::{demand_end, first_difference, forget_memory, read_word};
use super::sys::copy_bytes;
use super::undo_log::{Entry, UndoLog};

impl UndoLog {
    /// Puts the old bytes back, last store first, and verifies that every byte is what it was.
    ///
    /// What was put where is summed as it is done. A sum that differs from that of the entries' seals
    /// tells of an entry that was none, has changed since it was recorded, or was used wrongly: it may
    /// have spoilt a place that no entry names.
    ///
    /// Before each entry's old bytes return, `lines` learns what that store has changed.
    pub(crate) fn roll_back(&self, lines: &mut LineSet) -> Result<(), Fault> {
        self.put_back(|entry| integrity::note_change(lines, entry, self.old_range(entry)))
    }

    /// The same, of a run whose changes were noted before or do not count.
    pub(crate) fn restore_all(&self) -> Result<(), Fault> {
        self.put_back(|_| ())
    }

    fn put_back(&self, mut before_each: impl FnMut(&Entry)) -> Result<(), Fault> {
        let entries = self.recorded()?;
        let mut restored = 0_u64;
        for entry in entries.iter().rev() {
            before_each(entry);
            let Some(share) = self.restore(entry) else {
                return Err(not_restored(entry));
            };
            restored = restored.wrapping_add(share);
        }
        let expected = self.old_sum.get()?;
        if restored != expected {
            return Err(
                Fault::new(Stage::Rollback, "what was put back is not what was kept")
                    .values(expected, restored),
            );
        }
        forget_memory();
        if entries.iter().all(|entry| self.holds_old(entry)) {
            return Ok(());
        }
        // An address that was logged twice holds the older of its old values.
        first_touch::verify(self, entries)
    }

    /// Puts an entry's old bytes back; returns its share of the sum, or nothing if another number of bytes
    /// was about to be written. In registers: a larger result would be one more store per entry that a
    /// fault can send elsewhere, and that nobody looks for. Never a call: on the way back from one, a
    /// struck register of the caller's would be the place of its result, or the next entry.
    #[inline(always)]
    fn restore(&self, entry: &Entry) -> Option<u64> {
        let Entry {
            address,
            length,
            old,
            ..
        } = *entry;
        let mut contents = 0;
        if entry.is_range() {
            let end = black_box(address + length);
            let target = ptr::with_exposed_provenance_mut(address);
            // SAFETY: E1 for the target, L2 for the source.
            let reached = unsafe { copy_bytes(target, self.old_range(entry), length) };
            demand_end(end, reached).ok()?;
            contents = self.contents(self.old_range(entry), length);
        } else if !restore_word(entry) {
            return None;
        }
        Some(Entry::seal(address, length, old, contents))
    }

    /// Whether memory holds the old bytes of an entry.
    pub(crate) fn holds_old(&self, entry: &Entry) -> bool {
        if entry.is_range() {
            let found = ptr::with_exposed_provenance(entry.address);
            // SAFETY: E1 and L2.
            unsafe { first_difference(self.old_range(entry), found, entry.length) }.is_none()
        } else {
            // SAFETY: E1.
            unsafe { read_word(entry.address, entry.length) == entry.old }
        }
    }
}

#[cold]
fn not_restored(entry: &Entry) -> Fault {
    Fault::new(
        Stage::Rollback,
        "old bytes were about to be put back in another number",
    )
    .at(entry.address)
}

/// Writes an entry's old word, in exactly its width. The width is read once more for each question: a
/// branch that went wrong would overwrite the neighbours. Says whether the two agree.
///
/// Questions one by one, and not a `match`: that becomes a jump to an address from a table, and a fault
/// in one of its steps leads anywhere.
fn restore_word(entry: &Entry) -> bool {
    let Entry {
        address,
        length,
        old,
        ..
    } = *entry;
    let target = ptr::with_exposed_provenance_mut::<u8>(address);
    // SAFETY: a live reference.
    let is = |width| unsafe { (&raw const entry.length).read_volatile() } == width;
    if is(8) && length == 8 {
        // SAFETY: E1; exactly 8 bytes, at any alignment.
        unsafe { target.cast::<u64>().write_unaligned(old) };
    } else if is(4) && length == 4 {
        // SAFETY: E1; exactly 4 bytes, at any alignment.
        unsafe { target.cast::<u32>().write_unaligned(old as u32) };
    } else if is(1) && length == 1 {
        // SAFETY: E1; exactly 1 byte.
        unsafe { target.write(old as u8) };
    } else if is(2) && length == 2 {
        // SAFETY: E1; exactly 2 bytes, at any alignment.
        unsafe { target.cast::<u16>().write_unaligned(old as u16) };
    } else {
        return false;
    }
    true
}
