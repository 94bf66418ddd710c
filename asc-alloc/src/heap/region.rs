//! The one reserved stretch of address space, and the only place where a pointer is made.
//!
//! ```text
//! base                                                                      end
//! | ordinary arena | protected arena | chunk records | free maps |
//! ```
//!
//! The allocator counts in *offsets* from the base; [`Region::pointer`] turns one into a pointer by
//! adding it to the base, whose provenance is the whole reservation. Nothing else in the crate makes
//! a pointer into it, and no integer is cast to a pointer.
//!
//! 1. The first allocation reserves the region: twice the machine's memory per arena, less where
//!    `ulimit -v` or the system allows less.
//! 2. Each arena is committed from its start in steps, the records of its chunks along with it.
//! 3. The region is never given back.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use super::chunk::{Chunk, FREE_MAP_BYTES};
use crate::domain::Domain;
use crate::sys::lock::Locked;
use crate::sys::memory;

/// The unit that slabs and large blocks are made of.
pub(crate) const CHUNK_BYTES: usize = 1 << CHUNK_SHIFT;
pub(crate) const CHUNK_SHIFT: u32 = 16;

/// Chunks committed at a time at least: 4 MiB, for which the records fill whole pages.
pub(crate) const COMMIT_CHUNKS: usize = 64;

/// What an arena has at least and at most.
const ARENA_BYTES_MIN: usize = COMMIT_CHUNKS * CHUNK_BYTES;
/// The page level numbers an arena's pages with 32 bits.
const ARENA_BYTES_MAX: usize = 1 << 44;
/// Without a known size of memory.
const ARENA_BYTES_DEFAULT: usize = 64 << 30;
/// The base's alignment, that of a huge page.
const BASE_ALIGNMENT: usize = 2 << 20;

const RECORD_BYTES: usize = size_of::<Chunk>() + FREE_MAP_BYTES;

const _: () = assert!((COMMIT_CHUNKS * size_of::<Chunk>()).is_multiple_of(memory::PAGE_BYTES));
const _: () = assert!((COMMIT_CHUNKS * FREE_MAP_BYTES).is_multiple_of(memory::PAGE_BYTES));
const _: () = assert!(2 * (ARENA_BYTES_MAX >> CHUNK_SHIFT) < u32::MAX as usize);

/// Invariants:
///
/// 1. `base` is null, or the start of a live reservation laid out as above for `arena_bytes`; it
///    is set once, after `arena_bytes`.
/// 2. `arena_bytes` is a multiple of [`ARENA_BYTES_MIN`].
pub(crate) struct Region {
    base: AtomicPtr<u8>,
    arena_bytes: AtomicUsize,
}

pub(crate) static REGION: Region = Region {
    base: AtomicPtr::new(core::ptr::null_mut()),
    arena_bytes: AtomicUsize::new(0),
};

/// Held while the region is reserved.
pub(crate) static RESERVING: Locked<()> = Locked::new(());

impl Region {
    /// The base; null before the first allocation.
    #[inline(always)]
    pub(crate) fn base(&self) -> *mut u8 {
        self.base.load(Ordering::Acquire)
    }

    #[inline(always)]
    pub(crate) fn arena_bytes(&self) -> usize {
        self.arena_bytes.load(Ordering::Relaxed)
    }

    /// Reserves the region at the first call. False when the system has no address space.
    pub(crate) fn prepare(&self) -> bool {
        if !self.base().is_null() {
            return true;
        }
        let _reserving = RESERVING.lock();
        if !self.base().is_null() {
            return true;
        }
        let Some((base, arena_bytes)) = reserve() else {
            return false;
        };
        self.arena_bytes.store(arena_bytes, Ordering::Relaxed);
        self.base.store(base.as_ptr(), Ordering::Release);
        super::process::prepare();
        true
    }

    /// The pointer to an offset.
    #[inline(always)]
    pub(crate) fn pointer(&self, offset: usize) -> *mut u8 {
        self.base().wrapping_byte_add(offset)
    }

    /// The offset of an address; beyond the arenas when it is not the allocator's.
    #[inline(always)]
    pub(crate) fn offset(&self, address: usize) -> usize {
        address.wrapping_sub(self.base().addr())
    }

    /// The arena that an offset lies in.
    #[inline(always)]
    pub(crate) fn domain(&self, offset: usize) -> Option<Domain> {
        let arena_bytes = self.arena_bytes();
        if offset < arena_bytes {
            Some(Domain::Ordinary)
        } else if offset < 2 * arena_bytes {
            Some(Domain::Protected)
        } else {
            None
        }
    }

    /// First chunk of an arena, and the one past its last.
    pub(crate) fn chunks(&self, domain: Domain) -> (u32, u32) {
        let count = self.arena_bytes() >> CHUNK_SHIFT;
        let start = domain.index() * count;
        (start as u32, (start + count) as u32)
    }

    /// The record of a chunk. `None` where no chunk is.
    #[inline(always)]
    pub(crate) fn chunk_pointer(&self, index: u32) -> Option<NonNull<Chunk>> {
        let chunks = 2 * (self.arena_bytes() >> CHUNK_SHIFT);
        if index as usize >= chunks {
            return None;
        }
        let offset = 2 * self.arena_bytes() + index as usize * size_of::<Chunk>();
        NonNull::new(self.pointer(offset).cast())
    }

    /// The free map of a chunk that exists.
    #[inline(always)]
    pub(crate) fn free_map_pointer(&self, index: u32) -> *mut u8 {
        let chunks = 2 * (self.arena_bytes() >> CHUNK_SHIFT);
        let maps = 2 * self.arena_bytes() + chunks * size_of::<Chunk>();
        self.pointer(maps + index as usize * FREE_MAP_BYTES)
    }

    /// Commits `count` chunks from `first` on, and their records. False when the system refuses;
    /// what it granted is committed again next time.
    pub(crate) fn commit(&self, first: u32, count: u32) -> bool {
        let Some(records) = self.chunk_pointer(first) else {
            return false;
        };
        let count = count as usize;
        let maps = self.free_map_pointer(first);
        let memory = self.pointer((first as usize) << CHUNK_SHIFT);
        // SAFETY: the callers pass chunks of the region; their records lie in it by its layout.
        let recorded =
            unsafe { memory::commit(records.as_ptr().cast(), count * size_of::<Chunk>()) };
        // SAFETY: likewise.
        let mapped = recorded && unsafe { memory::commit(maps, count * FREE_MAP_BYTES) };
        // SAFETY: likewise.
        mapped && unsafe { memory::commit(memory, count * CHUNK_BYTES) }
    }
}

/// Reserves as much as the system and the limits allow.
fn reserve() -> Option<(NonNull<u8>, usize)> {
    let wished = memory::physical_bytes().map_or(ARENA_BYTES_DEFAULT, |bytes| bytes * 2);
    let mut arena_bytes = wished.clamp(ARENA_BYTES_MIN, ARENA_BYTES_MAX);
    if let Some(limit) = memory::address_space_limit() {
        // Half of the limit is for stacks, code and other mappings.
        arena_bytes = arena_bytes.min(limit / 4);
    }
    while arena_bytes >= ARENA_BYTES_MIN {
        arena_bytes -= arena_bytes % ARENA_BYTES_MIN;
        if let Some(base) = reserve_arenas(arena_bytes) {
            return Some((base, arena_bytes));
        }
        arena_bytes /= 2;
    }
    None
}

fn reserve_arenas(arena_bytes: usize) -> Option<NonNull<u8>> {
    let records = 2 * (arena_bytes >> CHUNK_SHIFT) * RECORD_BYTES;
    let reservation = memory::reserve(2 * arena_bytes + records + BASE_ALIGNMENT)?;
    let skipped = reservation.as_ptr().align_offset(BASE_ALIGNMENT);
    NonNull::new(reservation.as_ptr().wrapping_byte_add(skipped))
}
