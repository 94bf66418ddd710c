//! Runs of chunks: what slabs and large blocks are cut from.
//!
//! 1. A request takes the best fitting free run, used ones before clean ones, else fresh chunks from
//!    the *frontier*, committing more of the arena when needed.
//! 2. A freed run joins its neighbours of the same kind. Clean and used runs stay apart, so that
//!    what reads as zero is not forgotten.
//! 3. When used free runs hold more than [`Spans::dirty_chunks_max`], all go back to the system and
//!    become clean.
//! 4. When no run is long enough, 3 happens at once and joins the rest; then the arena is full.

use super::bins::Bins;
use super::chunk::{Chunk, Kind, chunk};
use super::region::{CHUNK_BYTES, CHUNK_SHIFT, COMMIT_CHUNKS, REGION};
use crate::domain::Domain;
use crate::lines;
use crate::page;
use crate::statistics::SpanStatistics;
use crate::stop::stop;
use crate::sys::memory;

/// Free chunks that may keep their old contents: 32 MiB, or an eighth of what is in use.
const DIRTY_CHUNKS_MIN: u32 = (32 << 20) / CHUNK_BYTES as u32;
const DIRTY_SHARE: u32 = 8;
/// A commit's largest step: 256 MiB.
const COMMIT_CHUNKS_MAX: u32 = (256 << 20) / CHUNK_BYTES as u32;

/// A block that grows wants a free run of this many times its length.
const GROWTH_ROOM: u32 = 8;

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Nothing in particular: the run that fits best, used ones first.
    Anything,
    /// Memory that reads as zero, if there is some.
    Zeroes,
    /// A block that has just grown and may grow again: free chunks behind it, if there are some.
    Room,
}

/// A run that was handed out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) head: u32,
    /// Whether all of it reads as zero.
    pub(crate) zeroed: bool,
}

/// The chunks of one arena.
///
/// Invariants, for chunks from `start` up to `frontier`:
///
/// 1. Each belongs to exactly one free run, slab or large block.
/// 2. A free run's first and last chunk have its kind and its head; the first has its length and
///    is linked in the bin for that length.
/// 3. No two neighbouring runs are free and of one kind.
/// 4. Chunks below `committed` and their records are readable and writable; those from `frontier`
///    on were never used.
#[derive(Debug)]
pub(crate) struct Spans {
    domain: Domain,
    start: u32,
    frontier: u32,
    committed: u32,
    end: u32,
    clean: Bins,
    dirty: Bins,
    dirty_chunks: u32,
    used_chunks: u32,
    returned_chunks: u64,
    /// Whether memory returns only by [`Spans::return_deferred`].
    deferred: bool,
}

impl Spans {
    pub(crate) const fn new(domain: Domain) -> Self {
        Self {
            domain,
            start: 0,
            frontier: 0,
            committed: 0,
            end: 0,
            clean: Bins::new(),
            dirty: Bins::new(),
            dirty_chunks: 0,
            used_chunks: 0,
            returned_chunks: 0,
            deferred: false,
        }
    }

    /// Takes `length` chunks, the first at a multiple of `alignment` bytes.
    pub(crate) fn take(&mut self, length: u32, alignment: usize, want: Want) -> Option<Span> {
        if self.end == 0 && !self.open() {
            return None;
        }
        let slack = (alignment.max(CHUNK_BYTES) / CHUNK_BYTES - 1) as u32;
        let wanted = length.checked_add(slack)?;
        if wanted > self.end - self.start {
            return None;
        }
        let mut found = self.find(wanted, want);
        if found.is_none() && self.dirty_chunks > 0 && !self.deferred {
            self.return_to_system();
            found = self.find(wanted, want);
        }
        let (head, found_length, kind) = found?;
        self.used_chunks += length;
        let head = self.trim(head, found_length, length, alignment, kind);
        Some(Span {
            head,
            zeroed: kind == Kind::Clean,
        })
    }

    /// Frees a run that was handed out, from its first chunk on.
    pub(crate) fn give(&mut self, head: u32, length: u32) {
        self.used_chunks -= length;
        chunk(head).set_kind(Kind::Inside);
        self.put(head, length, Kind::Dirty);
        if !self.deferred && self.dirty_chunks > self.dirty_chunks_max() {
            self.return_to_system();
        }
    }

    /// Cuts a large block in place.
    pub(crate) fn shrink(&mut self, head: u32, length: u32) {
        let old = chunk(head).length();
        if length < old {
            chunk(head).set_length(length);
            self.used_chunks -= old - length;
            self.put(head + length, old - length, Kind::Dirty);
        }
    }

    /// Lengthens a large block in place, if what follows it is free.
    pub(crate) fn grow(&mut self, head: u32, length: u32) -> bool {
        let old = chunk(head).length();
        let (next, more) = (head + old, length - old);
        if next == self.frontier {
            if !self.advance(more) {
                return false;
            }
        } else {
            let Some((run, kind)) = free_run_at(next).filter(|_| next < self.frontier) else {
                return false;
            };
            let available = run.length();
            if available < more {
                return false;
            }
            self.unlink(next, kind);
            if available > more {
                self.put(next + more, available - more, kind);
            }
        }
        self.used_chunks += more;
        chunk(head).set_length(length);
        true
    }

    /// Gives the memory of all used free runs back to the system.
    pub(crate) fn return_to_system(&mut self) {
        while let Some(head) = self.dirty.any() {
            let length = chunk(head).length();
            self.unlink(head, Kind::Dirty);
            let offset = (head as usize) << CHUNK_SHIFT;
            let bytes = length as usize * CHUNK_BYTES;
            lines::return_range(self.domain, offset, bytes, || {
                // SAFETY: the run is free, so nothing in it is in use (invariant 1).
                if !unsafe { memory::discard(REGION.pointer(offset), bytes) } {
                    stop(format_args!(
                        "the system refused to take back {bytes} bytes"
                    ));
                }
            });
            page::guard_returned(self.domain, offset, bytes);
            self.returned_chunks += u64::from(length);
            self.put(head, length, Kind::Clean);
        }
    }

    pub(crate) fn statistics(&self) -> SpanStatistics {
        SpanStatistics {
            committed_bytes: u64::from(self.committed - self.start) << CHUNK_SHIFT,
            used_bytes: u64::from(self.used_chunks) << CHUNK_SHIFT,
            dirty_bytes: u64::from(self.dirty_chunks) << CHUNK_SHIFT,
            returned_bytes: self.returned_chunks << CHUNK_SHIFT,
        }
    }

    /// From now on memory returns to the system only when the page level asks.
    pub(crate) fn defer_returns(&mut self) {
        self.deferred = true;
    }

    /// Returns the memory of free runs, all of it or when there is too much; whether it did.
    pub(crate) fn return_deferred(&mut self, all: bool) -> bool {
        let excess = self.dirty_chunks > self.dirty_chunks_max();
        if self.dirty_chunks == 0 || !(all || excess) {
            return false;
        }
        self.return_to_system();
        true
    }

    /// The committed part of the arena: offset and bytes.
    pub(crate) fn committed_range(&mut self) -> Option<(usize, usize)> {
        if self.end == 0 && !self.open() {
            return None;
        }
        let length = (self.committed - self.start) as usize;
        Some(((self.start as usize) << CHUNK_SHIFT, length << CHUNK_SHIFT))
    }

    fn dirty_chunks_max(&self) -> u32 {
        DIRTY_CHUNKS_MIN.max(self.used_chunks / DIRTY_SHARE)
    }

    /// Learns where the arena lies. Its first chunk stays unused, so that no block has offset zero.
    fn open(&mut self) -> bool {
        if !REGION.prepare() {
            return false;
        }
        let (start, end) = REGION.chunks(self.domain);
        if !self.commit_from(start, COMMIT_CHUNKS as u32) {
            return false;
        }
        self.start = start;
        self.frontier = start + 1;
        self.committed = start + COMMIT_CHUNKS as u32;
        self.end = end;
        true
    }

    fn commit_from(&self, first: u32, count: u32) -> bool {
        let committed = REGION.commit(first, count);
        if committed {
            let offset = (first as usize) << CHUNK_SHIFT;
            page::guard_fresh(self.domain, offset, count as usize * CHUNK_BYTES);
        }
        committed
    }

    /// Takes a free run out of the bins, or one from the frontier: head, length and kind.
    fn find(&mut self, length: u32, want: Want) -> Option<(u32, u32, Kind)> {
        let kinds = if want == Want::Zeroes {
            [Kind::Clean, Kind::Dirty]
        } else {
            [Kind::Dirty, Kind::Clean]
        };
        let roomy = length.saturating_mul(GROWTH_ROOM);
        let lengths = if want == Want::Room {
            [roomy, length]
        } else {
            [length, length]
        };
        for (kind, at_least) in lengths
            .into_iter()
            .flat_map(|at_least| kinds.map(|kind| (kind, at_least)))
        {
            if let Some(head) = self.bins(kind).find(at_least) {
                let found = chunk(head).length();
                self.unlink(head, kind);
                return Some((head, found, kind));
            }
        }
        let head = self.frontier;
        self.advance(length).then_some((head, length, Kind::Clean))
    }

    /// Puts back what lies before and behind the wanted part of a run that was taken out.
    fn trim(&mut self, head: u32, found: u32, length: u32, alignment: usize, kind: Kind) -> u32 {
        let address = REGION.pointer((head as usize) << CHUNK_SHIFT).addr();
        let aligned = address.next_multiple_of(alignment.max(CHUNK_BYTES));
        let before = ((aligned - address) >> CHUNK_SHIFT) as u32;
        let behind = found - before - length;
        if before > 0 {
            self.put(head, before, kind);
        }
        if behind > 0 {
            self.put(head + before + length, behind, kind);
        }
        head + before
    }

    /// Moves the frontier, committing what is needed.
    fn advance(&mut self, length: u32) -> bool {
        let Some(frontier) = self
            .frontier
            .checked_add(length)
            .filter(|&at| at <= self.end)
        else {
            return false;
        };
        if frontier > self.committed {
            let step = (COMMIT_CHUNKS as u32).max((self.committed - self.start) / 8);
            let step = step.min(COMMIT_CHUNKS_MAX).max(frontier - self.committed);
            let step = step.next_multiple_of(COMMIT_CHUNKS as u32);
            let step = step.min(self.end - self.committed);
            if !self.commit_from(self.committed, step) {
                return false;
            }
            self.committed += step;
        }
        self.frontier = frontier;
        true
    }

    /// Adds a free run, joined with its neighbours of the same kind.
    fn put(&mut self, mut head: u32, mut length: u32, kind: Kind) {
        if kind == Kind::Dirty {
            self.dirty_chunks += length;
        }
        let next = head + length;
        if next < self.frontier
            && let Some((run, next_kind)) = free_run_at(next)
            && next_kind == kind
        {
            length += run.length();
            self.remove(next, kind);
        }
        if head > self.start
            && let Some((previous, previous_kind)) = free_run_at(head - 1)
            && previous_kind == kind
        {
            let previous_head = previous.head();
            length += chunk(previous_head).length();
            self.remove(previous_head, kind);
            chunk(head).set_kind(Kind::Inside);
            head = previous_head;
        }
        for end in [head, head + length - 1] {
            chunk(end).set_kind(kind);
            chunk(end).set_head(head);
        }
        chunk(head).set_length(length);
        self.bins(kind).insert(head, length);
    }

    /// Takes a run out of its bin for use.
    fn unlink(&mut self, head: u32, kind: Kind) {
        if kind == Kind::Dirty {
            self.dirty_chunks -= chunk(head).length();
        }
        self.remove(head, kind);
    }

    /// Takes a run out of its bin; its ends are no ends any more.
    fn remove(&mut self, head: u32, kind: Kind) {
        let length = chunk(head).length();
        self.bins(kind).remove(head, length);
        chunk(head).set_kind(Kind::Inside);
        chunk(head + length - 1).set_kind(Kind::Inside);
    }

    fn bins(&mut self, kind: Kind) -> &mut Bins {
        if kind == Kind::Dirty {
            &mut self.dirty
        } else {
            &mut self.clean
        }
    }
}

/// The record of a chunk at the end of a free run, and the run's kind.
fn free_run_at(index: u32) -> Option<(&'static Chunk, Kind)> {
    let record = chunk(index);
    match record.kind() {
        kind @ (Kind::Clean | Kind::Dirty) => Some((record, kind)),
        Kind::Inside | Kind::Slab | Kind::Large => None,
    }
}
