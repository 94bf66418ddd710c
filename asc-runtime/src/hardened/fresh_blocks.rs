//! Blocks that the handler allocated.
//!
//! They need no old bytes: both runs get the same block, zeroed, and their whole contents are
//! compared. Large blocks are kept as a checksum instead of a copy.
//!
//! # Invariants
//! - F1: a block stays allocated until the handler commits (frees are deferred), so it is valid
//!   for reads and writes of `size` bytes all that time.

use core::hint::black_box;
use core::ptr;

use crate::checksum::crc32c;
use crate::fault::{Fault, Stage};

use super::integrity;
use super::mapping::Mapping;
use super::memory::{Difference, first_difference};

/// Blocks up to this size are kept whole.
const COPIED_BYTES_MAX: usize = 1 << 20;
const BLOCKS_MIN: usize = 128;
const ARENA_BYTES_MIN: usize = 16 << 10;
/// How many of the latest blocks a range store is looked up in.
const RECENT: usize = 4;

/// One block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    pub(crate) address: usize,
    pub(crate) size: usize,
    /// Arena offset of its contents after the first run, or their CRC32C if it is large.
    saved: u64,
}

impl Block {
    pub(crate) fn contains(&self, address: usize, length: usize) -> bool {
        address >= self.address && address + length <= self.address + self.size
    }
}

/// The blocks of one handler.
#[derive(Debug)]
pub(crate) struct FreshBlocks {
    blocks: Mapping,
    arena: Mapping,
    /// Blocks of the run in progress.
    count: usize,
    captured: usize,
}

impl FreshBlocks {
    pub(crate) fn new() -> Self {
        Self {
            blocks: Mapping::new(BLOCKS_MIN * size_of::<Block>()),
            arena: Mapping::new(ARENA_BYTES_MIN),
            count: 0,
            captured: 0,
        }
    }

    /// Starts a run.
    pub(crate) const fn start_run(&mut self) {
        self.count = 0;
    }

    /// Takes up a block that the run allocated, and makes its contents the same in every run.
    pub(crate) fn add(&mut self, address: usize, size: usize) -> Result<(), Fault> {
        let end = black_box(address + size);
        let bytes = (self.count + 1) * size_of::<Block>();
        if bytes > self.blocks.len() {
            self.blocks.grow(bytes);
        }
        // SAFETY: the mapping was grown to hold this index; zeroes are a valid block.
        let slot = unsafe { &mut *self.pointer(self.count) };
        // What the first run saved stays: the second finds its blocks in the same order.
        (slot.address, slot.size) = (address, size);
        self.count += 1;
        let block = ptr::with_exposed_provenance_mut::<u8>(address);
        integrity::clear_new_block(block, end, size)
    }

    /// Keeps what the first run left in its blocks.
    pub(crate) fn capture(&mut self) {
        let mut used = 0;
        for index in 0..self.count {
            let Block { address, size, .. } = self.blocks()[index];
            let contents = ptr::with_exposed_provenance::<u8>(address);
            let saved = if size > COPIED_BYTES_MAX {
                // SAFETY: F1.
                u64::from(crc32c(unsafe {
                    core::slice::from_raw_parts(contents, size)
                }))
            } else {
                if used + size > self.arena.len() {
                    self.arena.grow(used + size);
                }
                let target = self.arena.base().wrapping_add(used);
                // SAFETY: F1 for the source; the arena was grown to hold the target.
                unsafe { target.copy_from_nonoverlapping(contents, size) };
                used += size;
                (used - size) as u64
            };
            // SAFETY: below the count.
            unsafe { (*self.pointer(index)).saved = saved };
        }
        self.captured = self.count;
    }

    /// Demands that the second run left the same.
    pub(crate) fn compare(&self) -> Result<(), Fault> {
        if self.count != self.captured {
            return Err(Fault::new(
                Stage::Compare,
                "the runs allocated different numbers of blocks",
            )
            .values(self.captured as u64, self.count as u64));
        }
        self.blocks()
            .iter()
            .try_for_each(|block| self.compare_block(block))
    }

    fn compare_block(&self, block: &Block) -> Result<(), Fault> {
        let Block {
            address,
            size,
            saved,
        } = *block;
        let contents = ptr::with_exposed_provenance::<u8>(address);
        let fault = Fault::new(
            Stage::Compare,
            "the runs left different bytes in a new block",
        );
        if size > COPIED_BYTES_MAX {
            // SAFETY: F1.
            let sum = u64::from(crc32c(unsafe {
                core::slice::from_raw_parts(contents, size)
            }));
            return if sum == saved {
                Ok(())
            } else {
                Err(fault.at(address).values(saved, sum))
            };
        }
        let expected = self.arena.base().wrapping_add(saved as usize).cast_const();
        // SAFETY: F1, and `capture` kept `size` bytes there.
        match unsafe { first_difference(expected, contents, size) } {
            None => Ok(()),
            Some(Difference {
                offset,
                expected,
                found,
            }) => Err(fault.at(address + offset).values(expected, found)),
        }
    }

    /// Whether a range lies in one of the latest blocks.
    pub(crate) fn covers_recently(&self, address: usize, length: usize) -> bool {
        self.blocks()
            .iter()
            .rev()
            .take(RECENT)
            .any(|block| block.contains(address, length))
    }

    /// The blocks of the run in progress.
    pub(crate) fn blocks(&self) -> &[Block] {
        // SAFETY: everything below the count is initialised.
        unsafe { core::slice::from_raw_parts(self.pointer(0), self.count) }
    }

    /// Where the blocks and their records lie.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (usize, usize)> {
        let own = [self.blocks.range(), self.arena.range()].into_iter();
        own.chain(
            self.blocks()
                .iter()
                .map(|block| (block.address, block.size)),
        )
    }

    fn pointer(&self, index: usize) -> *mut Block {
        self.blocks.base().cast::<Block>().wrapping_add(index)
    }
}
