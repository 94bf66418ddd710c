//! What the heap holds, for people and for tests.

use crate::domain::Domain;
use crate::heap;
use crate::page;

/// The spans of one arena, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpanStatistics {
    /// Readable and writable address space; memory is used as it is touched.
    pub committed_bytes: u64,
    /// In slabs and large blocks.
    pub used_bytes: u64,
    /// Free, with memory behind it.
    pub dirty_bytes: u64,
    /// Given back to the system so far.
    pub returned_bytes: u64,
}

/// The page level's counts since its start; zero before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageStatistics {
    /// Sessions that have ended.
    pub sessions: u64,
    /// Pages that a fault has opened.
    pub opened_pages: u64,
    /// Pages that stay open behind the gate at the moment.
    pub hot_pages: u64,
    /// Flipped bits that were flipped back.
    pub corrected_bits: u64,
}

/// Both arenas, and the page level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// What is allocated outside of protected scopes.
    pub ordinary: SpanStatistics,
    /// What is allocated inside of them.
    pub protected: SpanStatistics,
    /// The page level.
    pub pages: PageStatistics,
}

/// The heap's numbers at this moment, arena by arena.
#[must_use]
pub fn statistics() -> Statistics {
    Statistics {
        ordinary: heap::spans(Domain::Ordinary).lock().statistics(),
        protected: heap::spans(Domain::Protected).lock().statistics(),
        pages: page::statistics(),
    }
}
