//! Codes of the protected arena's lines, for an engine that sees every store.
//!
//! The page level keeps its codes by comparing pages ([`crate::page::Builder::integrity`]). An engine
//! whose stores are intercepted one by one uses this table instead:
//!
//! 1. [`Lines::start`], before anything protected is allocated. Memory is zero then, and so are the
//!    codes: what is stored for a line is the remainder of its bytes with an initial value of zero,
//!    which differs from their CRC32C by a constant.
//! 2. The engine has a line examined before it first relies on it in a handler, and when it commits
//!    [changes](Lines::change) the code by what follows from the changed bytes alone.
//! 3. What this crate itself writes to protected memory (zeroes, what a reallocation moves) goes
//!    through [`Lines::write`].
//! 4. What goes back to the system reads as zero, and its codes follow.
//!
//! Codes change by exclusive or, so threads that write different words of one line do not wait for
//! each other. Whoever finds a mismatch has to find out whether another thread was in the midst of such
//! a change: [`Lines::changes`] and what the engine knows about its own threads tell.
//!
//! ```
//! use std::sync::atomic::Ordering::Relaxed;
//! use asc_alloc::{AscAlloc, lines::Lines};
//!
//! #[global_allocator]
//! static ALLOC: AscAlloc = AscAlloc::new();
//!
//! let lines = Lines::start(128, |line| panic!("line {line} does not agree with its code"))?;
//! let mut state = ALLOC.protected(|| Box::new(0u64));
//! let address = (&raw const *state).addr();
//! let line = lines.line_of(address).expect("it is protected");
//!
//! let before = lines.part(address, 8);
//! *state = 7;
//! lines.stored(line).fetch_xor(before ^ lines.part(address, 8), Relaxed);
//! assert!(lines.agrees(line));
//! # Ok::<(), asc_alloc::lines::StartError>(())
//! ```

pub(crate) mod block;
mod remainder;
mod write;

use core::fmt;
use core::ptr::NonNull;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64};

use crate::domain::Domain;
use crate::heap::region::REGION;
use crate::line_code::{Finding, LINE_BYTES_MAX, LINE_BYTES_MIN, locate};
use crate::page;
use crate::sys::lock::Locked;
use crate::sys::memory;

const WORD_BYTES: usize = 8;

/// What examines a line that does not seem to agree with its code: it returns when the line is intact
/// or was corrected, and does not return otherwise.
pub type Examine = fn(line: usize);

/// The codes of the arena's lines.
///
/// Invariants:
///
/// 1. `stored` is a mapping of one code for each line of the arena, never unmapped.
/// 2. `places` is a mapping of one word's place for each word of a line.
/// 3. `start` points to the arena's first byte, with the provenance of the whole region.
#[derive(Debug)]
pub struct Lines {
    start: NonNull<u8>,
    bytes: usize,
    shift: u32,
    stored: NonNull<AtomicU32>,
    places: NonNull<u32>,
    examine: Examine,
    begun: AtomicU64,
    ended: AtomicU64,
}

// SAFETY: the pointers are to mappings that live as long as the process, of atomics or never written
// after the start; the arena itself is read only through functions that say so.
unsafe impl Send for Lines {}
// SAFETY: likewise.
unsafe impl Sync for Lines {}

static LINES: AtomicPtr<Lines> = AtomicPtr::new(core::ptr::null_mut());
static STARTING: Locked<()> = Locked::new(());

/// Why there are no codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// The length is no power of two from 64 to 4,096 bytes.
    LineLength(usize),
    /// The processor lacks SSE4.2 or PCLMULQDQ.
    Processor,
    /// The system gave no address space or memory.
    Memory,
    /// Protected memory was allocated already, or the page level guards it.
    Late,
}

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineLength(bytes) => write!(
                formatter,
                "lines are a power of two from {LINE_BYTES_MIN} to {LINE_BYTES_MAX} bytes long, not \
                 {bytes}"
            ),
            Self::Processor => formatter.write_str(
                "this processor lacks SSE4.2 or PCLMULQDQ: use a machine with ECC memory",
            ),
            Self::Memory => formatter.write_str(
                "the system gave no memory for the codes: raise the limit on address space \
                 (ulimit -v)",
            ),
            Self::Late => formatter.write_str(
                "protected memory is in use already: start the line codes before the first \
                 protected allocation, and not beside the page level",
            ),
        }
    }
}

impl std::error::Error for StartError {}

impl Lines {
    /// Starts keeping codes for lines of `line_bytes`. Once started they stay, and later calls return
    /// them as they are.
    ///
    /// Allocates nothing from the heap, so an allocator may call it.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(line_bytes: usize, examine: Examine) -> Result<&'static Self, StartError> {
        if let Some(lines) = Self::get() {
            return Ok(lines);
        }
        let _starting = STARTING.lock();
        if let Some(lines) = Self::get() {
            return Ok(lines);
        }
        let lines = Self::map(line_bytes, examine)?;
        LINES.store(lines.as_ptr(), Release);
        // SAFETY: written by `map`, and never unmapped.
        Ok(unsafe { lines.as_ref() })
    }

    /// The codes, once they are started.
    #[must_use]
    #[inline]
    pub fn get() -> Option<&'static Self> {
        // SAFETY: null, or what `start` has published, which is never unmapped.
        unsafe { LINES.load(Acquire).as_ref() }
    }

    fn map(line_bytes: usize, examine: Examine) -> Result<NonNull<Self>, StartError> {
        let allowed = LINE_BYTES_MIN..=LINE_BYTES_MAX;
        if !line_bytes.is_power_of_two() || !allowed.contains(&line_bytes) {
            return Err(StartError::LineLength(line_bytes));
        }
        if !remainder::instructions_exist() {
            return Err(StartError::Processor);
        }
        if !REGION.prepare() {
            return Err(StartError::Memory);
        }
        let arena = crate::heap::spans(Domain::Protected).lock().statistics();
        if arena.used_bytes != 0 || page::is_started() {
            return Err(StartError::Late);
        }
        let bytes = REGION.arena_bytes();
        let record = |bytes| memory::map_records(bytes).ok_or(StartError::Memory);
        let stored = record(bytes / line_bytes * size_of::<AtomicU32>())?.cast();
        let places = record(line_bytes / WORD_BYTES * size_of::<u32>())?.cast();
        // SAFETY: mapped for one place per word just now.
        unsafe { remainder::write_places(places, line_bytes / WORD_BYTES) };
        let start = REGION.pointer(Domain::Protected.index() * bytes);
        // SAFETY: the arena is this allocator's.
        unsafe { memory::prefer_huge_pages(start, bytes) };
        let lines = record(size_of::<Self>())?.cast::<Self>();
        // SAFETY: mapped for one value just now; the mapping is aligned to a page.
        unsafe {
            lines.write(Self {
                start: NonNull::new(start).ok_or(StartError::Memory)?,
                bytes,
                shift: line_bytes.trailing_zeros(),
                stored,
                places,
                examine,
                begun: AtomicU64::new(0),
                ended: AtomicU64::new(0),
            });
        }
        Ok(lines)
    }

    /// The arena: its first byte and its length, in use or not.
    #[must_use]
    pub fn arena(&self) -> (NonNull<u8>, usize) {
        (self.start, self.bytes)
    }

    /// Length of a line.
    #[must_use]
    #[inline]
    pub fn line_bytes(&self) -> usize {
        1 << self.shift
    }

    /// Bytes of the codes of that many bytes of protected memory.
    #[must_use]
    pub fn code_bytes(&self, protected_bytes: u64) -> u64 {
        (protected_bytes >> self.shift) * size_of::<AtomicU32>() as u64
    }

    /// The table of codes, indexed by line: for an engine's own fast paths.
    #[must_use]
    pub fn table(&self) -> NonNull<AtomicU32> {
        self.stored
    }

    /// The line that an address lies in, if that is in the protected arena.
    #[must_use]
    #[inline]
    pub fn line_of(&self, address: usize) -> Option<usize> {
        let offset = address.wrapping_sub(self.start.as_ptr().addr());
        (offset < self.bytes).then_some(offset >> self.shift)
    }

    /// The address of a line's first byte.
    #[must_use]
    #[inline]
    pub fn address_of(&self, line: usize) -> usize {
        self.start.as_ptr().addr() + (line << self.shift)
    }

    /// The pointer to an address of the arena.
    ///
    /// # Panics
    /// When the address is not in the arena.
    #[must_use]
    #[inline]
    pub fn pointer(&self, address: usize) -> *mut u8 {
        let offset = address.wrapping_sub(self.start.as_ptr().addr());
        assert!(offset < self.bytes, "{address:#x} is not protected");
        self.start.as_ptr().wrapping_byte_add(offset)
    }

    /// A line's code.
    ///
    /// # Panics
    /// When there is no such line.
    #[must_use]
    #[inline]
    pub fn stored(&self, line: usize) -> &AtomicU32 {
        assert!(
            line < self.bytes >> self.shift,
            "line {line} does not exist"
        );
        // SAFETY: invariant 1, and the line exists.
        let stored = unsafe { self.stored.add(line) };
        // SAFETY: likewise; zero at first, and atomic.
        unsafe { stored.as_ref() }
    }

    /// Whether a line of committed memory agrees with its code at this moment.
    #[must_use]
    #[inline]
    pub fn agrees(&self, line: usize) -> bool {
        self.remainder(line) == self.stored(line).load(Relaxed)
    }

    /// What a mismatch between a line's remainder and its code means.
    #[must_use]
    pub fn finding(&self, mismatch: u32) -> Finding {
        if mismatch == 0 {
            return Finding::Intact;
        }
        locate(self.line_bytes(), mismatch)
    }

    /// Has the engine examine the lines of a range, as far as they do not agree with their codes.
    pub fn examine(&self, address: usize, length: usize) {
        let Some(first) = self.line_of(address).filter(|_| length > 0) else {
            return;
        };
        let within = address & (self.line_bytes() - 1);
        let last = first + ((within + length - 1) >> self.shift);
        for line in first..=last {
            if !self.agrees(line) {
                (self.examine)(line);
            }
        }
    }

    /// How many changes of memory and codes by this crate have begun and ended. While a line is looked
    /// at, its code may be trusted if both numbers are equal and stay the same.
    #[must_use]
    pub fn changes(&self) -> (u64, u64) {
        let ended = self.ended.load(Acquire);
        (self.begun.load(Acquire), ended)
    }

    /// Marks a change until the value is dropped.
    pub fn change_in_progress(&self) -> ChangeInProgress<'_> {
        self.begun.fetch_add(1, AcqRel);
        ChangeInProgress(self)
    }

    /// A child process has one thread: the changes of others have no end there.
    pub(crate) fn end_changes_in_child(&self) {
        self.ended.store(self.begun.load(Acquire), Release);
    }

    /// Pages that the system has taken and given again read as zero.
    fn reset(&self, offset: usize, bytes: usize) {
        let first = (offset - Domain::Protected.index() * self.bytes) >> self.shift;
        self.reset_lines(first, bytes >> self.shift);
    }

    fn reset_lines(&self, first: usize, count: usize) {
        for line in first..first + count {
            // Codes that stay untouched take no memory.
            if self.stored(line).load(Relaxed) != 0 {
                self.stored(line).store(0, Relaxed);
            }
        }
    }
}

/// While it lives, memory and codes may disagree.
#[derive(Debug)]
pub struct ChangeInProgress<'a>(&'a Lines);

impl Drop for ChangeInProgress<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, AcqRel);
    }
}

/// Calls `discard`, by which the range's memory goes back to the system, and lets codes follow.
pub(crate) fn return_range(domain: Domain, offset: usize, bytes: usize, discard: impl FnOnce()) {
    match Lines::get() {
        Some(lines) if domain == Domain::Protected => {
            let _change = lines.change_in_progress();
            discard();
            lines.reset(offset, bytes);
        }
        _ => discard(),
    }
}
