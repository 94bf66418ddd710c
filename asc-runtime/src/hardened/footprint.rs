//! Where a run stored and what it freed, to tell whether its record was whole.
//!
//! A store whose hook was jumped over is not undone, nor is one that went elsewhere behind its hook. If
//! the runs followed one path, each hook of one confirms one of the other. If a first run took a path
//! of its own, its record is judged by that of a healthy run:
//!
//! - one that lacks some of the healthy run's entries in their order, and has changed no place of its own, looks like
//!   a run whose hooks were jumped over or told another address than the store's. The order counts because a
//!   place may be stored to more than once: if the first hook is lost, the second one keeps what is no old value. A run
//!   that has changed places of its own was misled by a wrong address or a wrong branch, and by the fault
//!   model that was the only fault;
//! - one that left a place as it was which the healthy run changed may have stored elsewhere.

use crate::fault::Fault;

use super::allocated::Allocated;
use super::event_log::{EventLog, Kind};
use super::first_touch::{Table, Word};
use super::mapping::Mapping;
use super::undo_log::{Entry, UndoLog};

/// A freed block counts as a place of its own, at this distance from the block: no address of a program.
const FREED: usize = 1 << 56;

/// Address and length of a store.
type Store = (usize, usize);

/// The bytes that a run stored to, outside of the blocks that it allocated.
pub(super) struct Footprint {
    /// Its stores as they were logged.
    stores: Mapping,
    stores_count: usize,
    /// All of them, and the blocks that it freed.
    touched: Table,
    /// Those of the entries behind which memory has changed.
    changed: Table,
}

/// What a record looks like beside a healthy one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Suspicion {
    /// A store or a free may have escaped the record.
    pub(super) lacks_hooks: bool,
    /// A store may have gone elsewhere.
    pub(super) has_stray: bool,
}

impl Footprint {
    /// That of the run whose record is in the logs.
    pub(super) fn of(log: &UndoLog, events: &EventLog) -> Result<Self, Fault> {
        let entries = log.recorded()?;
        let allocated = Allocated::of(events)?;
        let words_max: usize = entries.iter().map(|entry| entry.length / 8 + 2).sum();
        let places_max = words_max + events.count()? + 1;
        let mut footprint = Self {
            stores: Mapping::new((entries.len() * size_of::<Store>()).max(1)),
            stores_count: 0,
            touched: Table::new(places_max),
            changed: Table::new(places_max),
        };
        for entry in entries
            .iter()
            .filter(|entry| !allocated.contain(entry.address))
        {
            footprint.keep((entry.address, entry.length));
            insert(&footprint.touched, entry);
            if log.has_changed(entry) {
                insert(&footprint.changed, entry);
            }
        }
        for index in 0..events.count()? {
            let event = events.event(index)?;
            let block = event.operands[0] as usize;
            if event.kind == Kind::Free && !allocated.contain(block) {
                footprint.touched.insert(block + FREED, 0);
            }
        }
        Ok(footprint)
    }

    /// Compares the record of a struck run with that of a healthy one.
    pub(super) fn beside(&self, healthy: &Self) -> Suspicion {
        let is_misled = any_missing(&self.changed, &healthy.touched);
        let has_stray = self.touched.words().iter().any(|word| {
            let unchanged = word.mask & !self.changed.mask(word.key);
            word.key != 0 && unchanged & healthy.changed.mask(word.key) != 0
        });
        let lacks_any = any_missing(&healthy.touched, &self.touched) || !self.follows(healthy);
        Suspicion {
            lacks_hooks: lacks_any && !is_misled,
            has_stray,
        }
    }

    /// Whether the stores of `healthy` are among these, in their order.
    fn follows(&self, healthy: &Self) -> bool {
        let mut own = self.stores().iter();
        healthy
            .stores()
            .iter()
            .all(|store| own.any(|other| other == store))
    }

    fn keep(&mut self, store: Store) {
        let slot = self
            .stores
            .base()
            .cast::<Store>()
            .wrapping_add(self.stores_count);
        // SAFETY: the mapping has room for all entries.
        unsafe { slot.write(store) };
        self.stores_count += 1;
    }

    fn stores(&self) -> &[Store] {
        // SAFETY: that many were written.
        unsafe { core::slice::from_raw_parts(self.stores.base().cast(), self.stores_count) }
    }
}

fn insert(table: &Table, entry: &Entry) {
    (entry.address..entry.address + entry.length).for_each(|address| table.insert(address, 0));
}

/// Whether `one` has a byte that `other` lacks.
fn any_missing(one: &Table, other: &Table) -> bool {
    let is_missing = |word: &Word| word.key != 0 && word.mask & !other.mask(word.key) != 0;
    one.words().iter().any(is_missing)
}
