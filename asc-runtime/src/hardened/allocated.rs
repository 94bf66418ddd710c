//! Which addresses lie in the blocks that a recorded run allocated.
//!
//! Taken from the record itself: the run that came last may have ended before it had allocated as much.

use core::cmp::Ordering;

use crate::fault::Fault;

use super::event_log::{EventLog, Kind};
use super::mapping::Mapping;

/// Start and size of a block.
type Block = (usize, usize);

/// The blocks of a record, by address. None overlap: what a handler frees stays allocated until it commits.
pub(super) struct Allocated {
    memory: Mapping,
    count: usize,
}

impl Allocated {
    /// Those of the record in the log.
    pub(super) fn of(events: &EventLog) -> Result<Self, Fault> {
        let events_count = events.count()?;
        let mut allocated = Self {
            memory: Mapping::new((events_count * size_of::<Block>()).max(1)),
            count: 0,
        };
        for index in 0..events_count {
            let event = events.event(index)?;
            let (size, address) = (event.operands[0] as usize, event.result[0] as usize);
            if event.kind == Kind::Allocate && address != 0 {
                let slot = allocated.base().wrapping_add(allocated.count);
                // SAFETY: the mapping has room for a block from each event.
                unsafe { slot.write((address, size)) };
                allocated.count += 1;
            }
        }
        // SAFETY: that many blocks were written, and nobody else has the mapping.
        let blocks = unsafe { core::slice::from_raw_parts_mut(allocated.base(), allocated.count) };
        blocks.sort_unstable();
        Ok(allocated)
    }

    /// Whether a byte is one of a block. A block without bytes has its address all the same.
    pub(super) fn contain(&self, address: usize) -> bool {
        let found = self.blocks().binary_search_by(|&(start, size)| {
            if address < start {
                Ordering::Greater
            } else if address < start + size.max(1) {
                Ordering::Equal
            } else {
                Ordering::Less
            }
        });
        found.is_ok()
    }

    fn blocks(&self) -> &[Block] {
        // SAFETY: that many were written.
        unsafe { core::slice::from_raw_parts(self.base(), self.count) }
    }

    fn base(&self) -> *mut Block {
        self.memory.base().cast()
    }
}
