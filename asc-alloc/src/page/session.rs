//! A write session: the only time when protected memory changes.
//!
//! 1. [`Session::begin`] waits for other sessions and opens the gate for this thread. Sessions are one
//!    at a time, because a page that one thread has opened is open for all.
//! 2. The first run writes; the first write to each closed page copies it and opens it.
//! 3. [`Session::capture`] keeps what the run left, page by page.
//! 4. [`Session::restore`] puts the old pages back and reads every byte again.
//! 5. The second run writes the same pages.
//! 6. [`Session::compare`] demands that they hold what the first run left.
//! 7. [`Session::commit`] closes the pages. Pages that changed often of late stay open behind the
//!    gate, with a copy that tells next time whether they changed (the hot set).
//!
//! Dropped at any point before that, a session restores the old pages first.

use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

use super::commit::{Ending, end};
use super::records::{Entry, Page, Records};
use super::{Pages, fault, pages};
use crate::stop::stop;
use crate::sys::lock::Locked;
use crate::sys::memory::PAGE_BYTES;
use crate::sys::signal;

/// Held by the thread that has the session.
static SESSION: Locked<()> = Locked::new(());
/// Threads that wait for it.
static WAITING: AtomicU32 = AtomicU32::new(0);
/// After this many sessions a thread lets waiting ones go first: whoever releases the lock and takes it
/// again at once leaves the others asleep.
const TURNS: u64 = 16;
/// That thread's [`token`]; zero for none.
static OWNER: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static TOKEN: u8 = const { 0 };
}

/// This thread's right to write to protected memory.
#[derive(Debug)]
pub struct Session {
    /// Entries at [`Session::capture`]; `None` before.
    captured: Option<usize>,
    /// Not `Send`: the gate is open for one thread.
    _this_thread: PhantomData<*const ()>,
}

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BeginError {
    /// The page level was not started.
    NotStarted,
    /// This thread has a session already.
    Nested,
    /// There was no memory for the thread's alternate signal stack.
    NoSignalStack,
}

impl fmt::Display for BeginError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotStarted => "the page level is not started: call `page::Builder::start` first",
            Self::Nested => "this thread has a write session: end it before beginning another",
            Self::NoSignalStack => "no memory for an alternate signal stack: raise the limit",
        })
    }
}

impl std::error::Error for BeginError {}

/// A byte of protected memory that is not what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageDifference {
    /// The first byte that differs.
    pub address: usize,
    /// What it should hold: what the first run left, or the old value after a rollback.
    pub expected: u8,
    /// What it holds.
    pub found: u8,
}

impl fmt::Display for PageDifference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address,
            expected,
            found,
        } = self;
        write!(
            formatter,
            "the byte at {address:#x} is {found:#04x} and should be {expected:#04x}"
        )
    }
}

impl std::error::Error for PageDifference {}

/// A page that the session has changed or opened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DirtyPage {
    /// Where it starts.
    pub address: usize,
    /// What it held before the session.
    pub old: [u8; PAGE_BYTES],
}

impl Session {
    /// Begins a session for this thread, after those of other threads.
    ///
    /// # Errors
    /// See [`BeginError`].
    ///
    /// # Safety
    /// [`Session::restore`], [`Session::roll_back`] and dropping the session write to all protected memory
    /// that was changed since: no reference into it may be in use across these calls, and the compiler
    /// must not know what the memory holds. An engine meets both by running the handler in a function
    /// that is not inlined, with everything that the handler borrows behind a pointer that was passed to
    /// opaque code (`std::hint::black_box`) before each run. Whatever the session has created in protected
    /// memory, and a rollback has undone, must not be used or dropped after it.
    pub unsafe fn begin() -> Result<Self, BeginError> {
        Self::open()
    }

    /// The same for this crate's own sessions, which restore nothing.
    pub(super) fn open() -> Result<Self, BeginError> {
        let pages = pages().ok_or(BeginError::NotStarted)?;
        if is_mine() {
            return Err(BeginError::Nested);
        }
        if !signal::prepare_thread() {
            return Err(BeginError::NoSignalStack);
        }
        take_turn(pages);
        OWNER.store(token(), Relaxed);
        pages.guard.enter();
        Ok(Self {
            captured: None,
            _this_thread: PhantomData,
        })
    }

    /// Keeps what the first run left. The last call counts.
    pub fn capture(&mut self) {
        let records = records();
        for (index, entry) in entries(records).enumerate() {
            let current = records.current(entry);
            let is_hot = index < records.hot.load(Relaxed) as usize;
            let dirty = !is_hot || !records.is_equal(current, records.old(entry));
            if dirty {
                records.copy(current, records.result(entry));
            }
            entry.dirty.store(u8::from(dirty), Relaxed);
        }
        self.captured = Some(records.count.load(Relaxed) as usize);
    }

    /// Opens the pages of a range that is about to be written: each spares the fault of its first write.
    /// What is not protected memory is left alone.
    pub fn open_for_writing(&self, address: usize, length: usize) {
        let Some(pages) = pages() else {
            return;
        };
        let last = address.saturating_add(length.saturating_sub(1));
        let first = address & !(PAGE_BYTES - 1);
        for page in (first..=last).step_by(PAGE_BYTES) {
            let Some(page) = pages.records.page_of(page) else {
                continue;
            };
            if pages.is_committed(page) && pages.records.open(page).load(Relaxed) == 0 {
                fault::open(pages, page);
            }
        }
    }

    /// Puts the pages back as they were before the session, and checks it.
    ///
    /// # Errors
    /// The first byte that does not hold its old value.
    pub fn restore(&mut self) -> Result<(), PageDifference> {
        let records = records();
        entries(records).try_for_each(|entry| {
            let (current, old) = (records.current(entry), records.old(entry));
            if self.captured.is_none() || entry.dirty.load(Relaxed) != 0 {
                records.copy(old, current);
            }
            demand_equal(records, current, old)
        })
    }

    /// Demands that the pages hold what [`Session::capture`] kept.
    ///
    /// # Errors
    /// The first byte that does not.
    pub fn compare(&self) -> Result<(), PageDifference> {
        let records = records();
        let captured = self.captured.unwrap_or(0);
        entries(records).enumerate().try_for_each(|(index, entry)| {
            let dirty = index < captured && entry.dirty.load(Relaxed) != 0;
            let expected = if dirty {
                records.result(entry)
            } else {
                records.old(entry)
            };
            demand_equal(records, records.current(entry), expected)
        })
    }

    /// Calls `note` with each word, and its address, that was changed since [`Session::capture`], or
    /// since the beginning on pages that were opened later.
    pub fn changes_since_capture(&self, note: &mut impl FnMut(usize, &[u8])) {
        let records = records();
        let captured = self.captured.unwrap_or(0);
        for (index, entry) in entries(records).enumerate() {
            let current = records.current(entry);
            let before = if index < captured && entry.dirty.load(Relaxed) != 0 {
                records.result(entry)
            } else {
                records.old(entry)
            };
            if records.is_equal(current, before) {
                continue;
            }
            let pairs = current.bytes().chunks(8).zip(before.bytes().chunks(8));
            for (word, (now, _)) in pairs.enumerate().filter(|(_, (now, before))| now != before) {
                note(current.address() + word * 8, now);
            }
        }
    }

    /// The pages that differ from what they were before the session.
    pub fn dirty_pages(&self) -> impl Iterator<Item = DirtyPage> + '_ {
        let records = records();
        entries(records)
            .map(move |entry| (records.current(entry), records.old(entry)))
            .filter(move |&(current, old)| !records.is_equal(current, old))
            .map(|(current, old)| DirtyPage {
                address: current.address(),
                old: *old.bytes(),
            })
    }

    /// Ends the session; the pages stay as they are.
    pub fn commit(self) {
        let ending = match self.captured {
            Some(_) => Ending::Captured,
            None => Ending::Uncaptured,
        };
        end(ending);
        core::mem::forget(self);
    }

    /// Ends a session that changed nothing but rotten bits. Hot pages do not age by it.
    pub(super) fn commit_scrubbed(self) {
        end(Ending::Scrubbed);
        core::mem::forget(self);
    }

    /// Ends the session with the pages as they were before it.
    ///
    /// # Errors
    /// The first byte that does not hold its old value.
    pub fn roll_back(mut self) -> Result<(), PageDifference> {
        self.captured = None;
        let restored = self.restore();
        end(Ending::Uncaptured);
        core::mem::forget(self);
        restored
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.captured = None;
        if let Err(difference) = self.restore() {
            stop(format_args!("a rollback failed: {difference}"));
        }
        end(Ending::Uncaptured);
    }
}

/// Whether this thread has the session. Async-signal-safe.
pub(super) fn is_mine() -> bool {
    OWNER.load(Relaxed) == token()
}

/// Waits for the session.
fn take_turn(pages: &Pages) {
    let sessions = pages.records.sessions.load(Relaxed);
    if is_awaited() && sessions.is_multiple_of(TURNS) {
        std::thread::yield_now();
    }
    if !SESSION.try_to_take() {
        WAITING.fetch_add(1, Relaxed);
        SESSION.take_for_fork();
        WAITING.fetch_sub(1, Relaxed);
    }
}

/// Whether some thread waits for the session.
pub(super) fn is_awaited() -> bool {
    WAITING.load(Relaxed) > 0
}

/// The lock of the session across a fork. A thread that forks within its own session has it.
pub(super) fn take_for_fork() {
    if !is_mine() {
        SESSION.take_for_fork();
    }
}

pub(super) fn release_after_fork() {
    if !is_mine() {
        SESSION.release_after_fork();
    }
}

/// The threads that waited are the parent's.
pub(super) fn forget_waiting() {
    WAITING.store(0, Relaxed);
}

/// A number that no other live thread has.
fn token() -> usize {
    TOKEN.with(|token| core::ptr::from_ref(token).addr())
}

fn records() -> &'static Records {
    match pages() {
        Some(pages) => &pages.records,
        None => stop(format_args!(
            "a session exists, but the page level was never started"
        )),
    }
}

/// The open pages.
fn entries(records: &Records) -> impl Iterator<Item = &Entry> {
    (0..records.count.load(Relaxed) as usize).map(|index| records.entry(index))
}

fn demand_equal(records: &Records, found: Page, expected: Page) -> Result<(), PageDifference> {
    if records.is_equal(found, expected) {
        return Ok(());
    }
    let Some(offset) = found.first_difference(expected) else {
        return Ok(());
    };
    Err(PageDifference {
        address: found.address() + offset,
        expected: expected.bytes()[offset],
        found: found.bytes()[offset],
    })
}

/// Shuts the gate and lets the next session begin.
pub(super) fn release(pages: &Pages) {
    pages.guard.leave();
    OWNER.store(0, Relaxed);
    SESSION.release_after_fork();
}

/// Ends a session that was forgotten, without looking at a page: for tests that change memory behind the
/// page level's back.
#[cfg(test)]
pub(super) fn end_without_looking() {
    if let Some(pages) = pages() {
        release(pages);
    }
}
