//! What the allocator knows about each chunk, kept away from the memory that it describes.
//!
//! A chunk is 64 KiB. It is free, or part of a *slab* (one or four chunks of objects of one class),
//! or part of a *large* block. A record says which, and links free runs and slabs into lists. Its
//! fields are atomics with relaxed ordering: they are ordered by the locks named below, and a stray
//! read sees an old value instead of undefined behaviour.
//!
//! | fields | guarded by |
//! |---|---|
//! | `kind`, `length`, links of free and large chunks | the arena's span lock |
//! | `free`, `fresh_from`, links and the free map of a slab | its class's lock |

use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

use super::region::{CHUNK_BYTES, REGION};
use crate::size_class::SizeClass;
use crate::stop::stop;

/// No chunk: the end of a list.
pub(crate) const NONE: u32 = u32::MAX;
/// A bit for each object of the smallest class.
pub(crate) const FREE_MAP_BYTES: usize = FREE_MAP_WORDS * 8;
pub(crate) const FREE_MAP_WORDS: usize = CHUNK_BYTES / 16 / 64;
/// Objects above this size share slabs of four chunks, where less is left over at the end.
const SINGLE_CHUNK_OBJECT_MAX: usize = 8 * 1024;

/// What a chunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Never used, or inside a free run or a large block.
    Inside = 0,
    /// First or last of a free run that reads as zero.
    Clean = 1,
    /// First or last of a free run with old contents.
    Dirty = 2,
    /// Part of a slab.
    Slab = 3,
    /// First of a large block.
    Large = 4,
}

/// One chunk's record.
#[repr(C, align(64))]
pub(crate) struct Chunk {
    kind: AtomicU8,
    class: AtomicU8,
    /// First chunk of the run, slab or block that this one belongs to.
    head: AtomicU32,
    /// Chunks of the run or block; at its first chunk.
    length: AtomicU32,
    previous: AtomicU32,
    next: AtomicU32,
    /// Objects of the slab that are free.
    free: AtomicU32,
    /// Objects from this number on were never handed out and read as zero.
    fresh_from: AtomicU32,
    /// Free map words below this one are zero.
    first_word: AtomicU32,
}

/// The record of a chunk of a committed part of the region.
///
/// Stops the process when there is no such chunk: then a list or a caller's pointer is corrupt.
#[inline(always)]
pub(crate) fn chunk(index: u32) -> &'static Chunk {
    match REGION.chunk_pointer(index) {
        // SAFETY: the region is never unmapped, records are committed before their chunks are
        // handed out, all bit patterns (zero at first) are valid, and every field is an atomic.
        Some(record) => unsafe { record.as_ref() },
        None => stop(format_args!(
            "chunk {index} does not exist: the heap is corrupt"
        )),
    }
}

/// The free map of a slab's first chunk: one bit per object, set when it is free.
#[inline(always)]
pub(crate) fn free_map(index: u32) -> &'static [AtomicU64; FREE_MAP_WORDS] {
    let map = REGION.free_map_pointer(index).cast();
    // SAFETY: as for the record; the map is as long as the array and aligned to 512 bytes.
    unsafe { &*map }
}

macro_rules! words {
    ($($name:ident, $set:ident;)*) => {$(
        #[inline(always)]
        pub(crate) fn $name(&self) -> u32 {
            self.$name.load(Relaxed)
        }

        #[inline(always)]
        pub(crate) fn $set(&self, value: u32) {
            self.$name.store(value, Relaxed);
        }
    )*};
}

impl Chunk {
    words! {
        head, set_head;
        length, set_length;
        previous, set_previous;
        next, set_next;
        free, set_free;
        fresh_from, set_fresh_from;
        first_word, set_first_word;
    }

    #[inline(always)]
    pub(crate) fn kind(&self) -> Kind {
        match self.kind.load(Relaxed) {
            0 => Kind::Inside,
            1 => Kind::Clean,
            2 => Kind::Dirty,
            3 => Kind::Slab,
            4 => Kind::Large,
            kind => stop(format_args!(
                "chunk kind {kind} does not exist: the heap is corrupt"
            )),
        }
    }

    pub(crate) fn set_kind(&self, kind: Kind) {
        self.kind.store(kind as u8, Relaxed);
    }

    /// Whether this is part of a slab of objects of that class.
    #[inline(always)]
    pub(crate) fn is_slab_of(&self, class: SizeClass) -> bool {
        self.kind.load(Relaxed) == Kind::Slab as u8
            && usize::from(self.class.load(Relaxed)) == class.index()
    }

    /// The class of a slab's objects.
    pub(crate) fn class(&self) -> SizeClass {
        let index = usize::from(self.class.load(Relaxed));
        SizeClass::from_index(index).unwrap_or_else(|| {
            stop(format_args!(
                "size class {index} does not exist: the heap is corrupt"
            ))
        })
    }

    pub(crate) fn set_class(&self, class: SizeClass) {
        self.class.store(class.index() as u8, Relaxed);
    }
}

/// Chunks of a slab of that class.
#[inline(always)]
pub(crate) const fn slab_chunks(class: SizeClass) -> u32 {
    if class.bytes() <= SINGLE_CHUNK_OBJECT_MAX {
        1
    } else {
        4
    }
}

/// Objects in a slab of that class.
#[inline(always)]
pub(crate) const fn slab_objects(class: SizeClass) -> u32 {
    (slab_chunks(class) as usize * CHUNK_BYTES / class.bytes()) as u32
}
