//! Line codes of the protected arena: finds, and where it may corrects, what rots between sessions.
//!
//! 1. At the start every committed line is sealed. Lines of fresh memory are zero, and so is what is
//!    stored for them: a code is kept as its difference from the code of a line of zeroes.
//! 2. When a page is opened for a session, all of its lines are examined before anything is copied.
//! 3. When a session is committed, the codes of its pages change by what follows from the changed
//!    words, so a bit that rots in another word meanwhile stays visible.
//! 4. The [scrubber](super::Scrubber) examines everything else in time.
//!
//! Hot pages are not opened again. If one rots, it differs from its copy: a handler's second run then
//! differs from its first, and a [`crate::AscAlloc::protected`] scope examines hot pages before it
//! begins. What a handler only *reads* is examined by the scrubber alone.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use super::fault::EXIT_ROTTEN;
use super::records::Page;
use crate::line_code::{Finding, LineCode};
use crate::stop::say;
use crate::sys::memory::{self, PAGE_BYTES};

const WORD_BYTES: usize = 8;

/// What happens to a line with a single flipped bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rot {
    /// The bit is flipped back, and one line on standard error says so.
    Correct,
    /// The process ends, as it does for every other rotten line, with [`EXIT_ROTTEN`].
    Stop,
}

/// The codes of the arena's lines.
///
/// The stored codes change only in the thread that has the session.
pub(super) struct Codes {
    code: LineCode,
    of_zeroes: u32,
    stored: NonNull<AtomicU32>,
    lines: usize,
    policy: Rot,
    pub(super) corrected: AtomicU64,
}

// SAFETY: the pointer is to a mapping of atomics that lives as long as the process.
unsafe impl Send for Codes {}
// SAFETY: likewise.
unsafe impl Sync for Codes {}

impl Codes {
    /// Maps the codes of an arena; `None` without memory.
    pub(super) fn new(code: LineCode, arena_bytes: usize, policy: Rot) -> Option<Self> {
        let lines = arena_bytes / code.line_bytes();
        Some(Self {
            of_zeroes: code.seal(&[0; PAGE_BYTES][..code.line_bytes()]),
            stored: memory::map_records(lines * size_of::<AtomicU32>())?.cast(),
            code,
            lines,
            policy,
            corrected: AtomicU64::new(0),
        })
    }

    /// Seals a page as it is.
    pub(super) fn seal(&self, number: u32, page: Page) {
        for (line, bytes) in self.lines_of(number, page) {
            let sealed = self.code.seal(bytes) ^ self.of_zeroes;
            // Fresh memory is zero: its codes take none while they stay untouched.
            if self.stored(line).load(Relaxed) != sealed {
                self.stored(line).store(sealed, Relaxed);
            }
        }
    }

    /// Whether every line of a page agrees with its code.
    pub(super) fn is_intact(&self, number: u32, page: Page) -> bool {
        self.lines_of(number, page).all(|(line, bytes)| {
            self.code.seal(bytes) ^ self.of_zeroes == self.stored(line).load(Relaxed)
        })
    }

    /// Examines the lines of an open page; corrects a flipped bit if that is allowed, and ends the
    /// process over any other difference. Async-signal-safe.
    pub(super) fn examine(&self, number: u32, page: Page) {
        let line_bytes = self.code.line_bytes();
        let first = number as usize * PAGE_BYTES / line_bytes;
        for index in 0..PAGE_BYTES / line_bytes {
            let (line, offset) = (first + index, index * line_bytes);
            let mut stored = self.stored(line).load(Relaxed) ^ self.of_zeroes;
            let bytes = &page.bytes()[offset..offset + line_bytes];
            let address = page.address() + offset;
            match self.code.examine(bytes, stored) {
                Finding::Intact => {}
                Finding::OneBit(flip) if self.policy == Rot::Correct => {
                    page.with_line(offset, line_bytes, |bytes| flip.correct(bytes, &mut stored));
                    self.stored(line).store(stored ^ self.of_zeroes, Relaxed);
                    self.corrected.fetch_add(1, Relaxed);
                    say(format_args!(
                        "asc-alloc: corrected: {flip:?} of the line at {address:#x}"
                    ));
                }
                found => stop_over(address, found),
            }
        }
    }

    /// Follows a page's changes from `old` to `new`.
    pub(super) fn follow(&self, number: u32, old: Page, new: Page) {
        let line_bytes = self.code.line_bytes();
        let first = number as usize * PAGE_BYTES / line_bytes;
        let pairs = old.bytes().as_chunks::<WORD_BYTES>().0.iter();
        let pairs = pairs.zip(new.bytes().as_chunks::<WORD_BYTES>().0);
        for (index, (old, new)) in pairs.enumerate().filter(|(_, (old, new))| old != new) {
            let offset = index * WORD_BYTES;
            let (old, new) = (u64::from_le_bytes(*old), u64::from_le_bytes(*new));
            let change = self.code.change(offset % line_bytes, old, new);
            self.stored(first + offset / line_bytes)
                .fetch_xor(change, Relaxed);
        }
    }

    /// Pages that the system has taken and given again read as zero.
    pub(super) fn reset(&self, first: u32, count: usize) {
        let lines = PAGE_BYTES / self.code.line_bytes();
        let first = first as usize * lines;
        for line in first..first + count * lines {
            self.stored(line).store(0, Relaxed);
        }
    }

    fn lines_of<'a>(
        &'a self,
        number: u32,
        page: Page,
    ) -> impl Iterator<Item = (usize, &'a [u8])> + 'a {
        let first = number as usize * PAGE_BYTES / self.code.line_bytes();
        (first..).zip(page.bytes().chunks_exact(self.code.line_bytes()))
    }

    #[inline]
    fn stored(&self, line: usize) -> &AtomicU32 {
        assert!(line < self.lines, "line {line} does not exist");
        // SAFETY: below the number of lines, for each of which the mapping has a code.
        let stored = unsafe { self.stored.add(line) };
        // SAFETY: zeroed at first, an atomic, and never unmapped.
        unsafe { stored.as_ref() }
    }
}

#[cold]
fn stop_over(address: usize, found: Finding) -> ! {
    say(format_args!(
        "asc-alloc: rotten: the line of protected memory at {address:#x} does not agree with its \
         code: {found:?}"
    ));
    // SAFETY: ends the process without running its exit handlers, which would act on state that is
    // corrupt.
    unsafe { libc::_exit(EXIT_ROTTEN) }
}

#[cfg(test)]
mod tests;
