//! The heap that every [`crate::AscAlloc`] allocates from.
//!
//! ```text
//! thread cache -> class (per arena and size class) -> spans (per arena) -> region -> system
//! ```
//!
//! 1. A small block comes from the thread's cache and goes back to it, without a lock.
//! 2. An empty cache takes a batch from its class's slabs, a full one gives half back
//!    ([`class`]).
//! 3. A class without free objects takes a slab from the arena's spans; an empty slab goes back
//!    ([`spans`]). Large blocks are spans themselves ([`large`]).
//! 4. Spans come from the arena's frontier, and their memory returns to the system in bulk.
//!
//! Locks are taken in this order: a class, then its arena's spans, then the region's reservation;
//! the list of unused thread caches is taken with no other.

pub(crate) mod bins;
pub(crate) mod chunk;
pub(crate) mod class;
pub(crate) mod large;
pub(crate) mod process;
pub(crate) mod region;
pub(crate) mod spans;
pub(crate) mod thread_cache;

use crate::domain::Domain;
use crate::size_class::{CLASSES, SizeClass};
use crate::sys::lock::Locked;
use class::Class;
use spans::Spans;

static SPANS: [Locked<Spans>; 2] = [
    Locked::new(Spans::new(Domain::Ordinary)),
    Locked::new(Spans::new(Domain::Protected)),
];

static CLASSES_OF_DOMAIN: [[Locked<Class>; CLASSES]; 2] =
    [const { [const { Locked::new(Class::new()) }; CLASSES] }; 2];

/// The spans of an arena.
pub(crate) fn spans(domain: Domain) -> &'static Locked<Spans> {
    &SPANS[domain.index()]
}

/// The slabs of a size class in an arena.
pub(crate) fn class(domain: Domain, class: SizeClass) -> &'static Locked<Class> {
    &CLASSES_OF_DOMAIN[domain.index()][class.index()]
}

/// A small block on its way: its offset, with the lowest bit set while it reads as zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(usize);

/// Blocks are aligned to 16 bytes, so the bit is free.
const FRESH: usize = 1;

impl Slot {
    #[inline(always)]
    pub(crate) const fn new(offset: usize, fresh: bool) -> Self {
        Self(offset | fresh as usize)
    }

    #[inline(always)]
    pub(crate) const fn offset(self) -> usize {
        self.0 & !FRESH
    }

    /// Whether it was never handed out and reads as zero.
    #[inline(always)]
    pub(crate) const fn is_fresh(self) -> bool {
        self.0 & FRESH != 0
    }
}
