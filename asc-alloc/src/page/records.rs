//! What the page level keeps: which pages are open, and a copy of each as it was.
//!
//! All of it is mapped at the start, outside of the arenas, so that the fault handler only stores.
//! Fields are atomics with relaxed ordering: the thread that has the session writes them, in its code
//! and in its fault handler, which never interrupts the former while it does.

use core::cmp::Ordering;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::sys::memory::{self, PAGE_BYTES};

/// Cold pages whose last opening is remembered.
const RECENT: usize = 4096;

/// An open page.
#[repr(C)]
pub(crate) struct Entry {
    page: AtomicU32,
    /// Its copies' place plus one: zero while the entry was never used.
    slot: AtomicU32,
    /// Sessions since it was last changed.
    pub(crate) idle: AtomicU32,
    /// Whether the first run changed it.
    pub(crate) dirty: AtomicU8,
}

/// When a page was last opened.
#[repr(C)]
struct Recent {
    page: AtomicU32,
    session: AtomicU32,
}

/// The tables.
///
/// 1. `entries[..count]` are the open pages, each once, the first `hot` of them open between
///    sessions too; `open[page]` is set for exactly these.
/// 2. The slots of all entries in use differ.
/// 3. A hot page's old copy equals the page between sessions.
pub(crate) struct Records {
    arena: NonNull<u8>,
    arena_pages: usize,
    entries: NonNull<Entry>,
    entries_max: usize,
    old: NonNull<u8>,
    results: NonNull<u8>,
    open: NonNull<AtomicU8>,
    recent: NonNull<Recent>,
    scratch: NonNull<u32>,
    pub(crate) count: AtomicU32,
    pub(crate) hot: AtomicU32,
    /// Sessions that have ended.
    pub(crate) sessions: AtomicU64,
    /// Pages that were appended.
    pub(crate) opened: AtomicU64,
}

// SAFETY: the pointers are to mappings that live as long as the process, which the thread with the
// session uses through atomics and copies of whole pages.
unsafe impl Send for Records {}
// SAFETY: likewise.
unsafe impl Sync for Records {}

impl Records {
    /// Maps tables for `entries_max` open pages; `None` without memory.
    pub(crate) fn new(arena: *mut u8, arena_bytes: usize, entries_max: usize) -> Option<Self> {
        let arena_pages = arena_bytes / PAGE_BYTES;
        Some(Self {
            arena: NonNull::new(arena)?,
            arena_pages,
            entries: memory::map_records(entries_max * size_of::<Entry>())?.cast(),
            entries_max,
            old: memory::map_records(entries_max * PAGE_BYTES)?,
            results: memory::map_records(entries_max * PAGE_BYTES)?,
            open: memory::map_records(arena_pages)?.cast(),
            recent: memory::map_records(RECENT * size_of::<Recent>())?.cast(),
            scratch: memory::map_records(entries_max * size_of::<u32>())?.cast(),
            count: AtomicU32::new(0),
            hot: AtomicU32::new(0),
            sessions: AtomicU64::new(0),
            opened: AtomicU64::new(0),
        })
    }

    pub(crate) fn entries_max(&self) -> usize {
        self.entries_max
    }

    /// The number of the page that an address lies in.
    #[inline]
    pub(crate) fn page_of(&self, address: usize) -> Option<u32> {
        let page = address.wrapping_sub(self.arena.addr().get()) / PAGE_BYTES;
        (page < self.arena_pages).then_some(page as u32)
    }

    /// Whether a page is open, as a flag of its own.
    pub(crate) fn open(&self, page: u32) -> &AtomicU8 {
        assert!(
            (page as usize) < self.arena_pages,
            "page {page} is not in the arena"
        );
        // SAFETY: below the number of pages, for each of which the mapping has a byte.
        let flag = unsafe { self.open.add(page as usize) };
        // SAFETY: zeroed at first, an atomic, and never unmapped.
        unsafe { flag.as_ref() }
    }

    pub(crate) fn entry(&self, index: usize) -> &Entry {
        assert!(index < self.entries_max, "entry {index} does not exist");
        // SAFETY: below the number of entries that the mapping holds.
        let entry = unsafe { self.entries.add(index) };
        // SAFETY: zeroed at first, all fields are atomics, and never unmapped.
        unsafe { entry.as_ref() }
    }

    /// Adds an open page with a copy of what it holds; false when the table is full.
    /// Async-signal-safe.
    pub(crate) fn append(&self, page: u32) -> bool {
        let index = self.count.load(Relaxed) as usize;
        if index >= self.entries_max {
            return false;
        }
        let entry = self.entry(index);
        entry.page.store(page, Relaxed);
        if entry.slot.load(Relaxed) == 0 {
            entry.slot.store(index as u32 + 1, Relaxed);
        }
        entry.idle.store(0, Relaxed);
        entry.dirty.store(0, Relaxed);
        self.copy(self.current(entry), self.old(entry));
        self.open(page).store(1, Relaxed);
        self.count.store(index as u32 + 1, Relaxed);
        self.opened.fetch_add(1, Relaxed);
        true
    }

    pub(crate) fn swap(&self, left: usize, right: usize) {
        let (left, right) = (self.entry(left), self.entry(right));
        for (a, b) in [
            (&left.page, &right.page),
            (&left.slot, &right.slot),
            (&left.idle, &right.idle),
        ] {
            a.store(b.swap(a.load(Relaxed), Relaxed), Relaxed);
        }
        let dirty = right.dirty.swap(left.dirty.load(Relaxed), Relaxed);
        left.dirty.store(dirty, Relaxed);
    }

    /// The page itself.
    #[inline]
    pub(crate) fn current(&self, entry: &Entry) -> Page {
        self.page(entry.page())
    }

    /// A page by its number.
    #[inline]
    pub(crate) fn page(&self, number: u32) -> Page {
        assert!(
            (number as usize) < self.arena_pages,
            "page {number} is not in the arena"
        );
        Page(
            self.arena
                .as_ptr()
                .wrapping_byte_add(number as usize * PAGE_BYTES),
        )
    }

    /// The page as it was before the session.
    #[inline]
    pub(crate) fn old(&self, entry: &Entry) -> Page {
        self.slot(self.old, entry)
    }

    /// The page as the first run left it.
    #[inline]
    pub(crate) fn result(&self, entry: &Entry) -> Page {
        self.slot(self.results, entry)
    }

    #[inline]
    fn slot(&self, slots: NonNull<u8>, entry: &Entry) -> Page {
        let slot = entry.slot.load(Relaxed).wrapping_sub(1) as usize;
        assert!(slot < self.entries_max, "slot {slot} does not exist");
        Page(slots.as_ptr().wrapping_byte_add(slot * PAGE_BYTES))
    }

    #[inline]
    pub(crate) fn copy(&self, from: Page, to: Page) {
        // SAFETY: two whole pages of this value's, distinct; the target is open or a copy.
        unsafe { to.0.copy_from_nonoverlapping(from.0, PAGE_BYTES) };
    }

    #[inline]
    pub(crate) fn is_equal(&self, left: Page, right: Page) -> bool {
        left.bytes() == right.bytes()
    }

    /// Whether a page was opened within the last `sessions`; remembers that it is now.
    pub(crate) fn was_open_recently(&self, page: u32, sessions: u32) -> bool {
        let place = page.wrapping_mul(0x9e37_79b1) as usize % RECENT;
        // SAFETY: below the number of elements that the mapping holds.
        let recent = unsafe { self.recent.add(place) };
        // SAFETY: zeroed at first, atomics, never unmapped.
        let recent = unsafe { recent.as_ref() };
        // From one on: zero stands for never.
        let now = (self.sessions.load(Relaxed) as u32).wrapping_add(1).max(1);
        let last = recent.session.swap(now, Relaxed);
        recent.page.swap(page, Relaxed) == page && last != 0 && now.wrapping_sub(last) <= sessions
    }

    /// Calls `close` with each run of neighbouring pages among the first `count` that
    /// [`Records::set_scratch`] has set.
    pub(crate) fn for_each_run(&self, count: usize, mut close: impl FnMut(u32, usize)) {
        assert!(count <= self.entries_max);
        // SAFETY: the mapping is that long and zeroed at first; only the thread with the session
        // uses it, here and in `set_scratch`, which returns no reference.
        let pages = unsafe { core::slice::from_raw_parts_mut(self.scratch.as_ptr(), count) };
        pages.sort_unstable();
        for run in pages.chunk_by(|left, right| left.wrapping_add(1) == *right) {
            close(run[0], run.len());
        }
    }

    pub(crate) fn set_scratch(&self, index: usize, page: u32) {
        assert!(index < self.entries_max);
        // SAFETY: within the mapping; see `for_each_run`.
        let place = unsafe { self.scratch.add(index) };
        // SAFETY: likewise.
        unsafe { place.write(page) };
    }
}

impl Entry {
    pub(crate) fn page(&self) -> u32 {
        self.page.load(Relaxed)
    }
}

/// A whole page of memory: of the arena, or a copy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page(*mut u8);

impl Page {
    #[inline]
    pub(crate) fn bytes<'a>(self) -> &'a [u8; PAGE_BYTES] {
        // SAFETY: a `Page` is a whole readable page, which only the thread with the session changes,
        // and that not while it looks at such a reference.
        unsafe { &*self.0.cast() }
    }

    /// Calls `change` with a part of an open page.
    pub(crate) fn with_line(self, offset: usize, bytes: usize, change: impl FnOnce(&mut [u8])) {
        assert!(offset + bytes <= PAGE_BYTES);
        let start = self.0.wrapping_byte_add(offset);
        // SAFETY: within the page, which only the thread with the session changes, here.
        change(unsafe { core::slice::from_raw_parts_mut(start, bytes) });
    }

    pub(crate) fn address(self) -> usize {
        self.0.addr()
    }

    /// Where two pages differ first.
    pub(crate) fn first_difference(self, other: Self) -> Option<usize> {
        let pairs = self.bytes().iter().zip(other.bytes());
        pairs
            .enumerate()
            .find_map(|(offset, (left, right))| match left.cmp(right) {
                Ordering::Equal => None,
                _ => Some(offset),
            })
    }
}
