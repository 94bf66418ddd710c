//! Stores outside of protected memory and the stacks, one by one.
//!
//! Everything that is neither protected nor copied is closed while a handler's own code runs. A store to
//! it faults; the fault handler looks at the instruction, notes here what it is about to change, opens
//! the memory for this one instruction and closes it again ([`super::signals`]).
//!
//! 1. In the first run each store is appended, with the bytes that were there.
//! 2. [`Surroundings::capture`] reads what the first run left; [`Surroundings::roll_back`] undoes the
//!    stores in reverse order and reads every byte again.
//! 3. In the second run the i-th store must be the i-th of the first; [`Surroundings::compare`] demands
//!    the same number and the same bytes.
//!
//! An atomic operation may be on memory that other threads change meanwhile. What it added is subtracted
//! again by an atomic operation; anything else is undone only if its result still stands there, else the
//! program is refused. Its operands are compared instead of the memory.
//!
//! A handler that announces its stores itself ([`super::announcements`]) is watched more closely, because
//! one that it does not announce, or that goes elsewhere, is nobody's: each store of the second run must
//! find what the first run's found, the whole record is undone however far the second run came, and
//! what every store has changed is kept for [`super::doubt`].
//!
//! # Invariants
//! - S1: entries below the count are initialised; their memory was about to be written by the handler,
//!   with that length, so it stays readable and writable until the handler ends.
//! - S2: the old and new bytes of an entry lie at its arena offset, in this order.

use core::ptr;
use core::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use crate::fault::{Fault, Stage};

use super::doubt::Noted;
use super::guarded::{Guarded, field};
use super::mapping::Mapping;
use super::memory::{first_difference, forget_memory};

const ENTRIES_MIN: usize = 64;
const ARENA_BYTES_MIN: usize = 4 << 10;

/// A word that two threads exchange is nobody's to undo. Most likely it is a lock.
pub(crate) const CONTENDED: &str =
    "another thread changed what the handler had exchanged atomically";

/// What kind of store it is, and how it is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Kind {
    /// The old bytes return.
    Plain,
    /// An atomic addition of the operand: it is subtracted.
    Add,
    /// Any other atomic operation: exchanged for the old value, if the result is still there.
    Swap,
}

/// What an instruction is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Store {
    pub(crate) address: usize,
    pub(crate) length: usize,
    pub(crate) kind: Kind,
    /// The operation, and the operands of an atomic one.
    pub(crate) operation: u64,
    pub(crate) operands: [u64; 2],
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    store: Store,
    offset: usize,
    /// What an atomic operation returned in the first run.
    returned: u64,
    /// Whether the store of the first run, and that of the last, changed what was there: known of
    /// runs that are undone.
    changed: [bool; 2],
}

/// The stores of one handler.
#[derive(Debug)]
pub(crate) struct Surroundings {
    entries: Mapping,
    arena: Mapping,
    arena_used: usize,
    position: usize,
    count: Guarded<{ field::LOG_COUNT }>,
    checking: bool,
    /// The handler announces its stores itself.
    is_announced: bool,
}

impl Surroundings {
    pub(crate) fn new() -> Self {
        Self {
            entries: Mapping::new(ENTRIES_MIN * size_of::<Entry>()),
            arena: Mapping::new(ARENA_BYTES_MIN),
            arena_used: 0,
            position: 0,
            count: Guarded::new(0),
            checking: false,
            is_announced: false,
        }
    }

    /// Starts recording a first run.
    pub(crate) const fn record(&mut self, is_announced: bool) {
        self.position = 0;
        self.arena_used = 0;
        self.count = Guarded::new(0);
        self.checking = false;
        self.is_announced = is_announced;
    }

    /// Notes a store that is about to happen, or demands that the first run made it here too.
    /// Async-signal-safe.
    pub(crate) fn announce(&mut self, store: Store) -> Result<(), Fault> {
        if self.checking {
            return self.expect(store);
        }
        let offset = self.arena_used;
        self.arena_used += 2 * store.length;
        if self.arena_used > self.arena.len() {
            self.arena.grow(self.arena_used);
        }
        let bytes = (self.position + 1) * size_of::<Entry>();
        if bytes > self.entries.len() {
            self.entries.grow(bytes);
        }
        let entry = Entry {
            store,
            offset,
            returned: 0,
            changed: [false; 2],
        };
        // SAFETY: S1; the arena was grown to hold both copies.
        unsafe {
            ptr::copy(
                place(&store),
                self.arena.base().wrapping_add(offset),
                store.length,
            )
        };
        // SAFETY: the mapping was grown to hold this index.
        unsafe { self.pointer(self.position).write(entry) };
        self.position += 1;
        Ok(())
    }

    /// The store has happened; an atomic one returned something. What the first run got, so that the
    /// second gets the same from memory that others change. Async-signal-safe.
    pub(crate) fn complete(&mut self, returned: u64) -> u64 {
        let entry = self.pointer(self.position.wrapping_sub(1));
        // SAFETY: the entry of the store that was just announced (S1).
        let entry = unsafe { &mut *entry };
        if self.checking {
            return entry.returned;
        }
        entry.returned = returned;
        let new = self
            .arena
            .base()
            .wrapping_add(entry.offset + entry.store.length);
        // SAFETY: S1, S2.
        unsafe { ptr::copy(place(&entry.store), new, entry.store.length) };
        returned
    }

    /// Copies every place, before a closure changes it.
    pub(crate) fn keep(&mut self) {
        self.capture();
    }

    /// What has changed since [`Surroundings::keep`].
    pub(crate) fn changes(&self, note: &mut impl FnMut(usize, &[u8])) {
        let plain = |entry: &&Entry| entry.store.kind == Kind::Plain;
        for entry in self.recorded(self.position).iter().filter(plain) {
            let Store {
                address, length, ..
            } = entry.store;
            let kept = self.arena.base().wrapping_add(entry.offset + length);
            // SAFETY: S1, S2.
            let now = unsafe { core::slice::from_raw_parts(place(&entry.store), length) };
            // SAFETY: S2.
            if now != unsafe { core::slice::from_raw_parts(kept, length) } {
                note(address, now);
            }
        }
    }

    /// Reads what the first run left.
    pub(crate) fn capture(&mut self) {
        self.count = Guarded::new(self.position as u64);
        forget_memory();
        for entry in self.recorded(self.position) {
            if entry.store.kind == Kind::Plain {
                let new = self
                    .arena
                    .base()
                    .wrapping_add(entry.offset + entry.store.length);
                // SAFETY: S1, S2.
                unsafe { ptr::copy(place(&entry.store), new, entry.store.length) };
            }
        }
    }

    /// Undoes the stores in reverse order and reads each place again.
    pub(crate) fn roll_back(&mut self) -> Result<(), Fault> {
        (0..self.position)
            .rev()
            .try_for_each(|index| self.undo(index))?;
        if !self.is_announced || !self.checking {
            return Ok(());
        }
        // A second run whose announcements were lost has stored where the first did.
        let count = self.count.get()? as usize;
        let recorded = self.recorded(count).iter().rev();
        recorded
            .filter(|entry| entry.store.kind == Kind::Plain)
            .try_for_each(|entry| self.restore(entry))
    }

    /// Starts checking a second run.
    pub(crate) const fn check(&mut self) {
        self.position = 0;
        self.checking = true;
    }

    /// Demands that the second run stored as often as the first, and left the same bytes.
    pub(crate) fn compare(&self) -> Result<(), Fault> {
        let count = self.count.get()?;
        if count != self.position as u64 {
            return Err(Fault::new(
                Stage::Compare,
                "the second run stored less often than the first",
            )
            .values(count, self.position as u64));
        }
        forget_memory();
        let plain = |entry: &&Entry| entry.store.kind == Kind::Plain;
        for entry in self.recorded(self.position).iter().filter(plain) {
            let new = self
                .arena
                .base()
                .wrapping_add(entry.offset + entry.store.length);
            self.demand(entry, new, Stage::Compare, "the runs left different bytes")?;
        }
        Ok(())
    }

    /// The first run's stores, and what they and those of the second have changed; both runs are undone.
    pub(crate) fn noted(&self) -> Result<Vec<Noted>, Fault> {
        let count = self.count.get()? as usize;
        let noted = self.recorded(count).iter().map(|entry| Noted {
            place: entry.store.address..entry.store.address + entry.store.length,
            changed: entry.changed,
        });
        Ok(noted.collect())
    }

    /// Stores of the last run.
    pub(crate) const fn count(&self) -> usize {
        self.position
    }

    /// Bytes in use.
    pub(crate) const fn bytes(&self) -> usize {
        self.position * size_of::<Entry>() + self.arena_used
    }

    fn expect(&mut self, store: Store) -> Result<(), Fault> {
        let count = self.count.get()? as usize;
        if self.position >= count {
            return Err(Fault::new(
                Stage::SecondRun,
                "the second run stores more often than the first",
            )
            .at(store.address)
            .values(count as u64, self.position as u64 + 1));
        }
        // SAFETY: below the count (S1).
        let entry = unsafe { self.pointer(self.position).read() };
        let expected = entry.store;
        if expected == store {
            if self.is_announced {
                let old = self.arena.base().wrapping_add(entry.offset);
                let reason = "the second run finds other bytes where it stores";
                self.demand(&entry, old, Stage::SecondRun, reason)?;
            }
            self.position += 1;
            return Ok(());
        }
        let fault = |reason, expected, found| {
            Err(Fault::new(Stage::SecondRun, reason)
                .at(store.address)
                .values(expected, found))
        };
        if expected.address != store.address {
            let (expected, found) = (expected.address as u64, store.address as u64);
            return fault("the second run stores to another address", expected, found);
        }
        if expected.length != store.length {
            let (expected, found) = (expected.length as u64, store.length as u64);
            return fault("the second run stores another width", expected, found);
        }
        let differs = usize::from(expected.operands[0] == store.operands[0]);
        let (expected, found) = (expected.operands[differs], store.operands[differs]);
        fault(
            "the runs perform different atomic operations",
            expected,
            found,
        )
    }

    /// Everything that was stored later is undone.
    fn undo(&mut self, index: usize) -> Result<(), Fault> {
        let entry = self.pointer(index);
        // SAFETY: below the position (S1).
        let entry = unsafe { &mut *entry };
        let store = &entry.store;
        let old = self.arena.base().wrapping_add(entry.offset);
        match store.kind {
            Kind::Plain => {
                forget_memory();
                // SAFETY: S1, S2.
                let difference = unsafe { first_difference(old, place(store), store.length) };
                entry.changed[usize::from(self.checking)] = difference.is_some();
                self.restore(entry)
            }
            Kind::Add => {
                add(store, store.operands[0].wrapping_neg());
                Ok(())
            }
            Kind::Swap => {
                let new = old.wrapping_add(store.length);
                let (old, new) = (value(old, store.length), value(new, store.length));
                if exchange(store, new, old) {
                    return Ok(());
                }
                Err(Fault::new(Stage::Rollback, CONTENDED)
                    .at(store.address)
                    .values(new, value(place(store), store.length)))
            }
        }
    }

    fn restore(&self, entry: &Entry) -> Result<(), Fault> {
        let old = self.arena.base().wrapping_add(entry.offset);
        // SAFETY: S1, S2.
        unsafe { ptr::copy(old, place(&entry.store), entry.store.length) };
        forget_memory();
        let reason = "a restored word does not hold its old value";
        self.demand(entry, old, Stage::Rollback, reason)
    }

    fn demand(
        &self,
        entry: &Entry,
        expected: *const u8,
        stage: Stage,
        reason: &'static str,
    ) -> Result<(), Fault> {
        let Store {
            address, length, ..
        } = entry.store;
        // SAFETY: S1, S2.
        match unsafe { first_difference(expected, place(&entry.store), length) } {
            None => Ok(()),
            Some(difference) => Err(Fault::new(stage, reason)
                .at(address + difference.offset)
                .values(difference.expected, difference.found)),
        }
    }

    fn recorded(&self, count: usize) -> &[Entry] {
        // SAFETY: S1; the mapping is aligned to a page.
        unsafe { core::slice::from_raw_parts(self.pointer(0), count) }
    }

    fn pointer(&self, index: usize) -> *mut Entry {
        self.entries.base().cast::<Entry>().wrapping_add(index)
    }
}

fn place(store: &Store) -> *mut u8 {
    ptr::with_exposed_provenance_mut(store.address)
}

/// A word of up to eight bytes, zero-extended.
fn value(start: *const u8, length: usize) -> u64 {
    let mut word = [0; 8];
    // SAFETY: the callers pass at least `length` bytes (S1, S2); the target holds eight.
    unsafe { ptr::copy(start, word.as_mut_ptr(), length.min(8)) };
    u64::from_ne_bytes(word)
}

/// Calls `operate` with the atomic of its width that an instruction wrote to.
macro_rules! with_atomic {
    ($store:expr, |$atomic:ident| $operate:expr) => {{
        let place = place($store);
        match $store.length {
            1 => {
                // SAFETY: S1; an aligned atomic of this width was just used there.
                let $atomic = unsafe { AtomicU8::from_ptr(place) };
                $operate
            }
            2 => {
                // SAFETY: likewise.
                let $atomic = unsafe { AtomicU16::from_ptr(place.cast()) };
                $operate
            }
            4 => {
                // SAFETY: likewise.
                let $atomic = unsafe { AtomicU32::from_ptr(place.cast()) };
                $operate
            }
            _ => {
                // SAFETY: likewise.
                let $atomic = unsafe { AtomicU64::from_ptr(place.cast()) };
                $operate
            }
        }
    }};
}

/// Adds to what an atomic instruction wrote to.
fn add(store: &Store, operand: u64) {
    with_atomic!(store, |atomic| {
        atomic.fetch_add(operand as _, Ordering::SeqCst);
    });
}

/// Exchanges `found` for `new` where an atomic instruction wrote; whether `found` was there.
fn exchange(store: &Store, found: u64, new: u64) -> bool {
    let order = Ordering::SeqCst;
    with_atomic!(store, |atomic| atomic
        .compare_exchange(found as _, new as _, order, order)
        .is_ok())
}
