//! What a run has worked on so far: its frames, what it stored, what it allocated.
//!
//! A closure that a handler runs once ([`super::closure`]) may change any of that, and the other run
//! must find it changed alike.
//!
//! 1. [`WorkingSet::keep`]: everything is copied before the closure is called.
//! 2. [`WorkingSet::changes`]: what it has changed, piece by piece.
//!
//! # Invariants
//! - S1: a piece stays valid for reads and writes until the handler commits: frames above the lowest
//!   stack pointer belong to the handler, E1 and F1 say so for the others.

use core::ptr;

use super::fresh_blocks::FreshBlocks;
use super::integrity::outside;
use super::mapping::Mapping;
use super::sys::ThreadWords;
use super::undo_log::UndoLog;

const PIECES_MIN: usize = 256;
const COPY_BYTES_MIN: usize = 16 << 10;

/// One piece of memory, and where its copy lies.
#[derive(Debug, Clone, Copy)]
struct Piece {
    address: usize,
    length: usize,
    copy: usize,
}

/// Copies of a run's memory.
#[derive(Debug)]
pub(crate) struct WorkingSet {
    pieces: Mapping,
    count: usize,
    copy: Mapping,
    used: usize,
}

impl WorkingSet {
    pub(crate) fn new() -> Self {
        Self {
            pieces: Mapping::new(PIECES_MIN * size_of::<Piece>()),
            count: 0,
            copy: Mapping::new(COPY_BYTES_MIN),
            used: 0,
        }
    }

    /// Copies the run's frames, the places it stored to and its new blocks.
    pub(crate) fn keep(&mut self, words: &ThreadWords, log: &UndoLog, fresh: &FreshBlocks) {
        (self.count, self.used) = (0, 0);
        self.add(words.deepest, words.entry - words.deepest);
        for entry in log.so_far() {
            self.add(entry.address, entry.length);
        }
        for block in fresh.blocks() {
            self.add(block.address, block.size);
        }
    }

    /// Calls `each` with the address and the length of everything that differs from its copy.
    pub(crate) fn changes(&self, mut each: impl FnMut(usize, usize)) {
        for index in 0..self.count {
            // SAFETY: pieces below the count are initialised.
            let piece = unsafe { self.piece(index).read() };
            if let Some((first, length)) = self.changed(&piece) {
                each(piece.address + first, length);
            }
        }
    }

    /// Puts back what differs from its copy and has a code: such changes are stored anew, as the
    /// handler's own.
    pub(crate) fn undo_protected(&self) {
        for index in 0..self.count {
            // SAFETY: pieces below the count are initialised.
            let piece = unsafe { self.piece(index).read() };
            if !outside::is_protected(piece.address) {
                continue;
            }
            if let Some((first, length)) = self.changed(&piece) {
                let before = self.copy.base().wrapping_add(piece.copy + first);
                let target = ptr::with_exposed_provenance_mut(piece.address + first);
                // SAFETY: S1 for the target; `add` has copied that many bytes to the source.
                unsafe { outside::copy(target, before, length) };
            }
        }
    }

    /// Where the copies lie.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (usize, usize)> {
        [self.pieces.range(), self.copy.range()].into_iter()
    }

    fn add(&mut self, address: usize, length: usize) {
        let bytes = (self.count + 1) * size_of::<Piece>();
        if bytes > self.pieces.len() {
            self.pieces.grow(bytes);
        }
        if self.used + length > self.copy.len() {
            self.copy.grow(self.used + length);
        }
        let piece = Piece {
            address,
            length,
            copy: self.used,
        };
        // SAFETY: the mapping was grown to hold this index.
        unsafe { self.piece(self.count).write(piece) };
        let source = ptr::with_exposed_provenance::<u8>(address);
        let target = self.copy.base().wrapping_add(self.used);
        // SAFETY: S1 for the source; the mapping was grown to hold the target.
        unsafe { target.copy_from_nonoverlapping(source, length) };
        self.count += 1;
        self.used += length;
    }

    /// The first changed byte of a piece, and how many there are up to the last.
    fn changed(&self, piece: &Piece) -> Option<(usize, usize)> {
        let Piece {
            address, length, ..
        } = *piece;
        let now = ptr::with_exposed_provenance::<u8>(address);
        // SAFETY: S1; nothing writes there while the two slices live.
        let now = unsafe { core::slice::from_raw_parts(now, length) };
        let before = self.copy.base().wrapping_add(piece.copy);
        // SAFETY: `add` has copied that many bytes there.
        let before = unsafe { core::slice::from_raw_parts(before, length) };
        if now == before {
            return None;
        }
        let differs = |index: &usize| now[*index] != before[*index];
        let first = (0..length).find(differs)?;
        let last = (0..length).rfind(differs)?;
        Some((first, last - first + 1))
    }

    fn piece(&self, index: usize) -> *mut Piece {
        self.pieces.base().cast::<Piece>().wrapping_add(index)
    }
}
