//! What a thread lets others see of its open stores.
//!
//! A line is verified as a whole, and another thread may be in the midst of storing to another part of
//! it: its words are neither what the code says nor rotten. Whoever finds a mismatch looks at the logs of
//! all threads and puts the old bytes of their open stores in the place of what memory holds.
//!
//! A thread publishes, by plain stores on its way:
//! 1. its *stage*: idle, in a handler, or changing codes; with a number that never comes again;
//! 2. how many entries its record has, once the first run has ended;
//! 3. its log's memory, which moves when it grows: under the lock, which a reader holds too;
//! 4. one open store from outside of handlers ([`Pending`]).
//!
//! x86-64 keeps stores in order, and loads. A reader copies a line first and looks at the logs
//! afterwards. It finds an entry for every open store whose bytes it has copied, and finds it as it was
//! written, unless the stage has changed meanwhile; then it begins anew. For that
//!
//! - V1: an entry is written before the cursor moves behind it, and the cursor before the store happens;
//! - V2: the cursor goes back to the first entry, for the second run, only when the length of the
//!   record is published, and all of its entries are open stores until the handler ends;
//! - V3: entries are written over, and the length of the record is taken back, only while the stage is
//!   idle: between [`View::leave_handler`] and the next [`View::enter_handler`].

use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence};

use super::yielding_lock::YieldingLock;
use crate::hardened::memory::read_word;
use crate::hardened::sys::ThreadWords;
use crate::hardened::undo_log::Entry;

/// The longest store from outside of handlers that is kept open, in bytes.
pub(crate) const PENDING_BYTES_MAX: usize = 256;

/// The lower two bits of a stage.
const IN_HANDLER: u64 = 1;
const CHANGING: u64 = 2;
const STAGE_STEP: u64 = 4;

/// What one thread publishes.
#[derive(Debug)]
pub(crate) struct View {
    stage: AtomicU64,
    /// Entries of the record; 0 while it grows.
    recorded: AtomicUsize,
    /// Held while the log's memory moves, and while it is read.
    memory: YieldingLock,
    words: AtomicPtr<ThreadWords>,
    entries: AtomicPtr<Entry>,
    arena: AtomicPtr<u8>,
    pub(crate) pending: Pending,
}

/// A store that was announced outside of handlers; whether it has happened cannot be known.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) address: AtomicUsize,
    pub(crate) length: AtomicUsize,
    old: [AtomicU64; PENDING_BYTES_MAX / 8],
}

impl View {
    pub(crate) const fn new() -> Self {
        Self {
            stage: AtomicU64::new(0),
            recorded: AtomicUsize::new(0),
            memory: YieldingLock::new(),
            words: AtomicPtr::new(ptr::null_mut()),
            entries: AtomicPtr::new(ptr::null_mut()),
            arena: AtomicPtr::new(ptr::null_mut()),
            pending: Pending {
                address: AtomicUsize::new(0),
                length: AtomicUsize::new(0),
                old: [const { AtomicU64::new(0) }; PENDING_BYTES_MAX / 8],
            },
        }
    }

    /// From now on the words are those of the calling thread; null when it ends.
    pub(crate) fn attach(&self, words: *mut ThreadWords) {
        self.memory.lock();
        self.words.store(words, Ordering::Relaxed);
        self.memory.unlock();
    }

    /// Keeps readers away from the log's memory until [`View::show`].
    pub(crate) fn hide(&self) {
        self.memory.lock();
    }

    /// Where the log's memory lies now.
    pub(crate) fn show(&self, entries: *mut Entry, arena: *mut u8) {
        self.entries.store(entries, Ordering::Relaxed);
        self.arena.store(arena, Ordering::Relaxed);
        self.memory.unlock();
    }

    /// A first run is about to write over the log (V3).
    pub(crate) fn begin_record(&self) {
        self.recorded.store(0, Ordering::Release);
    }

    /// It has ended, and its entries stay as they are (V2).
    pub(crate) fn end_record(&self, entries: usize) {
        self.recorded.store(entries, Ordering::Release);
    }

    /// The log is empty, and what is in it from now on are open stores.
    pub(crate) fn enter_handler(&self) {
        self.enter(IN_HANDLER);
    }

    /// Codes and memory disagree until [`View::leave_handler`].
    pub(crate) fn begin_changing(&self) {
        self.enter(CHANGING);
    }

    /// What is in the log is no longer open: it was committed or rolled back.
    pub(crate) fn leave_handler(&self) {
        self.enter(0);
    }

    fn enter(&self, stage: u64) {
        let number = (self.stage.load(Ordering::Relaxed) & !(STAGE_STEP - 1)) + STAGE_STEP;
        // Stores that follow stay behind it, as all stores do on x86-64; the fence keeps the compiler
        // from moving them.
        self.stage.store(number + stage, Ordering::Release);
        fence(Ordering::Release);
    }

    /// The stage, or `None` while codes are changing.
    pub(crate) fn stage(&self) -> Option<u64> {
        let stage = self.stage.load(Ordering::Acquire);
        (stage & CHANGING == 0).then_some(stage)
    }

    /// Puts the old bytes of open stores into `copy`, which was taken of the memory from `start` on.
    /// Says which bytes those are, in `open`, one bit for each.
    pub(crate) fn undo(&self, start: usize, copy: &mut [u8], open: &mut [u64]) {
        self.memory.lock();
        self.undo_pending(start, copy, open);
        self.undo_log(start, copy, open);
        self.memory.unlock();
    }

    fn undo_pending(&self, start: usize, copy: &mut [u8], open: &mut [u64]) {
        let length = self.pending.length.load(Ordering::Acquire);
        let address = self.pending.address.load(Ordering::Relaxed);
        for offset in 0..length.min(PENDING_BYTES_MAX) {
            let word = self.pending.old[offset / 8].load(Ordering::Relaxed);
            put(
                start,
                copy,
                open,
                address + offset,
                word.to_le_bytes()[offset % 8],
            );
        }
    }

    fn undo_log(&self, start: usize, copy: &mut [u8], open: &mut [u64]) {
        let stage = self.stage.load(Ordering::Acquire);
        let entries = self.entries.load(Ordering::Relaxed);
        let arena = self.arena.load(Ordering::Relaxed);
        if stage & IN_HANDLER == 0 {
            return;
        }
        for index in (0..self.open_entries(entries)).rev() {
            // SAFETY: below the cursor or recorded, so inside of the log (L1), which the lock keeps where it
            // is. It may be written at this moment, hence volatile.
            let entry = unsafe { entries.wrapping_add(index).read_volatile() };
            if self.stage.load(Ordering::Acquire) != stage {
                // It may be half of one entry and half of another; the reader begins anew.
                return;
            }
            if entry.address >= start + copy.len() || entry.address + entry.length <= start {
                continue;
            }
            for offset in 0..entry.length {
                let old = if entry.is_range() {
                    let byte = arena.wrapping_add(entry.old as usize + offset);
                    // SAFETY: L2, of an entry that was whole; the lock keeps the arena where it is.
                    unsafe { byte.read_volatile() }
                } else {
                    entry.old.to_le_bytes()[offset]
                };
                put(start, copy, open, entry.address + offset, old);
            }
        }
    }

    /// How many entries stand for open stores; the lock is held.
    ///
    /// The cursor first: when it has gone back already, the length of the record is there (V2).
    fn open_entries(&self, entries: *mut Entry) -> usize {
        let words = self.words.load(Ordering::Relaxed);
        if words.is_null() {
            return 0;
        }
        // SAFETY: the lock is held: the thread has not ended, so its words exist.
        let cursor = unsafe { &raw const (*words).cursor };
        // SAFETY: as above. The thread writes it meanwhile, whole by assembly, hence volatile.
        let cursor = unsafe { cursor.read_volatile() };
        fence(Ordering::Acquire);
        let passed = cursor.addr().saturating_sub(entries.addr()) / size_of::<Entry>();
        passed.max(self.recorded.load(Ordering::Relaxed))
    }

    /// Undoes what the handler in progress of a thread has stored that is not there any more.
    ///
    /// # Safety
    /// The calling thread is the only one of its process, and another than the view's.
    pub(super) unsafe fn undo_for_good(&self) {
        if self.stage.load(Ordering::Relaxed) & IN_HANDLER == 0 {
            return;
        }
        let arena = self.arena.load(Ordering::Relaxed);
        for index in (0..self.entries_of_handler()).rev() {
            let entry = self.entry(index);
            let old = if entry.is_range() {
                arena.wrapping_add(entry.old as usize).cast_const()
            } else {
                (&raw const entry.old).cast()
            };
            let target = ptr::with_exposed_provenance_mut::<u8>(entry.address);
            // SAFETY: E1, of memory that came along; L2 for a range.
            unsafe { ptr::copy_nonoverlapping(old, target, entry.length) };
        }
    }

    /// Passes on where such a thread was at work: address and length.
    pub(super) fn for_each_place(&self, mut place: impl FnMut(usize, usize)) {
        for index in 0..self.entries_of_handler() {
            let entry = self.entry(index);
            place(entry.address, entry.length);
        }
        let length = self.pending.length.load(Ordering::Relaxed);
        place(self.pending.address.load(Ordering::Relaxed), length);
    }

    /// Forgets the thread.
    pub(super) fn forget(&self) {
        self.words.store(ptr::null_mut(), Ordering::Relaxed);
        self.pending.length.store(0, Ordering::Relaxed);
        self.leave_handler();
    }

    /// Whoever held the lock is not there any more.
    pub(super) fn release_lock(&self) {
        self.memory.unlock();
    }

    /// How many entries the handler in progress has in the log.
    fn entries_of_handler(&self) -> usize {
        let is_idle = self
            .stage
            .load(Ordering::Relaxed)
            .is_multiple_of(STAGE_STEP);
        if is_idle {
            return 0;
        }
        self.open_entries(self.entries.load(Ordering::Relaxed))
    }

    /// One of them.
    fn entry(&self, index: usize) -> Entry {
        let entries = self.entries.load(Ordering::Relaxed);
        // SAFETY: below the cursor or recorded, so whole (L1, V1); its thread does not write any more.
        unsafe { entries.wrapping_add(index).read() }
    }
}

impl Pending {
    /// Announces a store; its old bytes are read from memory.
    ///
    /// # Safety
    /// `address` is valid for reads of `length` bytes, which are [`PENDING_BYTES_MAX`] at most.
    pub(crate) unsafe fn announce(&self, address: usize, length: usize) {
        for (index, word) in self.old.iter().enumerate().take(length.div_ceil(8)) {
            let piece = (length - index * 8).min(8);
            // SAFETY: by contract.
            let old = unsafe { read_word(address + index * 8, piece) };
            word.store(old, Ordering::Relaxed);
        }
        self.address.store(address, Ordering::Relaxed);
        self.length.store(length, Ordering::Release);
    }

    /// The old bytes from `offset` on, `length` of them (8 at most).
    pub(crate) fn old_bytes(&self, offset: usize, length: usize) -> u64 {
        (0..length).fold(0, |bytes, index| {
            let place = offset + index;
            let word = self.old[place / 8].load(Ordering::Relaxed);
            bytes | (word >> (place % 8 * 8) & 0xFF) << (index * 8)
        })
    }
}

/// Puts a byte in its place in the copy, if it has one there.
fn put(start: usize, copy: &mut [u8], open: &mut [u64], address: usize, byte: u8) {
    let offset = address.wrapping_sub(start);
    if let Some(place) = copy.get_mut(offset) {
        *place = byte;
        open[offset / 64] |= 1 << (offset % 64);
    }
}
