//! Where a run stored, to tell whether its log was whole.
//!
//! A store whose hook was jumped over is not undone. If the runs followed one path, each hook of one
//! confirms one of the other. If a first run took a path of its own, its record is compared with that
//! of a healthy run: one that lacks some of the healthy run's places and has none of its own looks
//! like a run that jumped over hooks. One that has places of its own was misled by a wrong address or a
//! wrong branch, and by the fault model that was the only fault.

use crate::fault::Fault;

use super::first_touch::{self, Table};
use super::fresh_blocks::FreshBlocks;
use super::mapping::Mapping;
use super::undo_log::UndoLog;

/// The bytes that a run stored to, outside of the blocks that it allocated.
pub(super) struct Footprint {
    touched: Table,
    blocks: Mapping,
    block_count: usize,
}

impl Footprint {
    /// That of the run whose record is in the log.
    pub(super) fn of(log: &UndoLog, fresh: &FreshBlocks) -> Result<Self, Fault> {
        let touched = first_touch::table_of(log, log.recorded()?);
        let bytes = fresh.blocks().len() * size_of::<[usize; 2]>();
        let footprint = Self {
            touched,
            blocks: Mapping::new(bytes.max(1)),
            block_count: fresh.blocks().len(),
        };
        for (index, block) in fresh.blocks().iter().enumerate() {
            let place = footprint.blocks.base().cast::<[usize; 2]>();
            // SAFETY: the mapping holds that many.
            unsafe {
                place
                    .wrapping_add(index)
                    .write([block.address, block.address + block.size])
            };
        }
        Ok(footprint)
    }

    /// Whether the run may have jumped over a hook that the `healthy` run did not.
    pub(super) fn lacks_hooks_of(&self, healthy: &Self) -> bool {
        healthy.has_more_than(self) && !self.has_more_than(healthy)
    }

    fn has_more_than(&self, other: &Self) -> bool {
        let words = self.touched.words().iter().filter(|word| word.key != 0);
        words
            .filter(|word| !self.is_fresh(word.address()))
            .any(|word| word.mask & !other.touched.mask(word.key) != 0)
    }

    fn is_fresh(&self, address: usize) -> bool {
        // SAFETY: `of` wrote that many.
        let blocks: &[[usize; 2]] =
            unsafe { core::slice::from_raw_parts(self.blocks.base().cast(), self.block_count) };
        blocks
            .iter()
            .any(|&[start, end]| (start & !7..end).contains(&address))
    }
}
