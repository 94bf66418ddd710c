//! Page level: write sessions on the protected arena, for programs whose stores nobody intercepts.
//!
//! Between sessions every page of the protected arena is closed: a write to it is caught, reported with
//! address and backtrace, and ends the process with [`EXIT_STRAY_WRITE`]. Within a session of the
//! writing thread the first write to a page copies it and opens it, whoever writes: Rust, C or
//! assembly.
//!
//! 1. [`Builder::start`] tries the backends, or uses the one that the builder or the environment
//!    variable [`BACKEND_VARIABLE`] names, and closes the arena.
//! 2. [`Session`] is what a handler runs in; its documentation has the stages.
//!    [`crate::AscAlloc::protected`] runs its closure in one that is committed at the end.
//!
//! 3. With [`Builder::integrity`] each line of protected memory has a code, for machines without ECC.
//!    A page's lines are examined when it is opened, the codes follow at the commit, and a
//!    [`Scrubber`] examines what nobody opens.
//!
//! # What to know
//!
//! - *Sessions are one at a time.* Another thread that writes meanwhile to a page that the session has
//!   opened is caught only where the processor has protection keys.
//! - *System calls.* The kernel writes to closed pages for nobody: `read`, `recv` and their kin into
//!   protected memory fail with `EFAULT`, inside sessions too unless the page was opened before. Read
//!   into ordinary memory and copy.
//! - *Forks.* The child guards its own copy of the arena. A fork waits for sessions of other threads.
//! - *Signal handlers* for SIGSEGV and SIGBUS that were installed before the start are called for
//!   faults that are not about protected memory, with their own masks and flags. Install none later,
//!   unless they call the previous one.
//! - *Threads that are started within a session* inherit the open gate where keys are in use. Start
//!   none there.
//! - *What a library allocates lazily* within a session (a buffer of standard output, a thread-local)
//!   is protected memory, and its use outside is a stray write. Use it once before.
//! - *Reading examines nothing.* A page that is only read is examined by the scrubber, or not at all.
//! - *The copies* of old pages and the codes are ordinary memory and single. If one rots, the runs or
//!   the codes differ, and that is found; which of the two sides is right is not.
//! - Free protected memory returns to the system when a session ends.

mod backend;
mod builder;
mod commit;
mod fault;
mod integrity;
mod records;
mod scrubber;
mod session;
mod stray;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

pub use backend::{Backend, UnknownBackend};
pub use builder::{BACKEND_VARIABLE, Builder, StartError};
pub use fault::{EXIT_REFUSED, EXIT_ROTTEN};
pub use integrity::Rot;
pub use scrubber::{ScrubError, ScrubProgress, Scrubber};
pub use session::{BeginError, DirtyPage, PageDifference, Session};
pub use stray::{EXIT_STRAY_WRITE, StrayWrite, set_stray_write_reporter};

use crate::domain::Domain;
use crate::heap::region::REGION;
use crate::heap::spans;
use crate::statistics::PageStatistics;
use crate::stop::stop;
use crate::sys::memory::PAGE_BYTES;
use crate::sys::signal;
use backend::Guard;
use integrity::Codes;
use records::Records;

/// The page level once it was started.
struct Pages {
    guard: Guard,
    records: Records,
    committed_pages: AtomicU32,
    hot_pages_max: usize,
    codes: Option<Codes>,
}

static PAGES: OnceLock<Pages> = OnceLock::new();

/// The backend in use; `None` before the page level is started.
#[must_use]
pub fn backend() -> Option<Backend> {
    Some(pages()?.guard.backend())
}

/// Gives the calling thread an alternate signal stack of 128 KiB, unless it has one as large; false without
/// memory. The stack is taken back when the thread ends.
///
/// [`Session::begin`] does so too. This is for threads that are to survive faults where there is no session:
/// std gives its own threads a few KiB, and threads of C have none.
///
/// ```
/// assert!(asc_alloc::page::prepare_thread());
/// ```
#[must_use]
pub fn prepare_thread() -> bool {
    signal::prepare_thread()
}

/// What [`crate::statistics`] says of the page level.
pub(crate) fn statistics() -> PageStatistics {
    let Some(pages) = pages() else {
        return PageStatistics::default();
    };
    PageStatistics {
        sessions: pages.records.sessions.load(Relaxed),
        opened_pages: pages.records.opened.load(Relaxed),
        hot_pages: u64::from(pages.records.hot.load(Relaxed)),
        corrected_bits: pages
            .codes
            .as_ref()
            .map_or(0, |codes| codes.corrected.load(Relaxed)),
    }
}

/// Whether protected memory is guarded.
pub(crate) fn is_started() -> bool {
    pages().is_some()
}

fn pages() -> Option<&'static Pages> {
    PAGES.get()
}

impl Pages {
    fn is_committed(&self, page: u32) -> bool {
        page < self.committed_pages.load(Relaxed)
    }

    /// Returns free memory to the system, all of it or when there is too much. In a session only:
    /// hot pages lose their contents and their copies must follow.
    fn return_memory(&self, all: bool) {
        let returned = spans(Domain::Protected).lock().return_deferred(all);
        if !returned {
            return;
        }
        for index in 0..self.records.hot.load(Relaxed) as usize {
            let entry = self.records.entry(index);
            let (current, old) = (self.records.current(entry), self.records.old(entry));
            self.records.copy(current, old);
        }
    }
}

/// Closes pages that the system has taken and given again. In a session, under the spans' lock.
pub(crate) fn guard_returned(domain: Domain, offset: usize, bytes: usize) {
    if domain == Domain::Protected
        && let Some(pages) = pages()
        && let Some(codes) = &pages.codes
        && let Some(first) = pages.records.page_of(REGION.pointer(offset).addr())
    {
        codes.reset(first, bytes / PAGE_BYTES);
    }
    guard_fresh(domain, offset, bytes);
}

/// Closes pages that the system has just given. Under the spans' lock.
pub(crate) fn guard_fresh(domain: Domain, offset: usize, bytes: usize) {
    if domain == Domain::Ordinary {
        return;
    }
    let Some(pages) = pages() else {
        return;
    };
    let Some(first) = pages.records.page_of(REGION.pointer(offset).addr()) else {
        stop(format_args!(
            "offset {offset:#x} is not in the protected arena: the heap is corrupt"
        ));
    };
    let count = bytes / PAGE_BYTES;
    pages
        .committed_pages
        .fetch_max(first + count as u32, Relaxed);
    if !pages.guard.close(first, count) {
        stop(format_args!(
            "the system refused to close {count} pages: raise vm.max_map_count"
        ));
    }
}

/// Examines the pages that no fault opens. In a session, at its begin.
fn examine_hot_pages() {
    let Some(pages) = pages() else {
        return;
    };
    if let Some(codes) = &pages.codes {
        for index in 0..pages.records.hot.load(Relaxed) as usize {
            let page = pages.records.entry(index).page();
            codes.examine(page, pages.records.page(page));
        }
    }
}

/// Runs `scope` in a session that is committed however it ends, if the page level is started and this
/// thread has none.
pub(crate) fn in_session<R>(scope: impl FnOnce() -> R) -> R {
    /// Commits when dropped.
    struct Committed(Option<Session>);
    impl Drop for Committed {
        fn drop(&mut self) {
            if let Some(session) = self.0.take() {
                session.commit();
            }
        }
    }
    let session = match Session::open() {
        Ok(session) => {
            examine_hot_pages();
            Some(session)
        }
        Err(BeginError::NotStarted | BeginError::Nested) => None,
        Err(error) => stop(format_args!("{error}")),
    };
    let _committed = Committed(session);
    scope()
}

/// Returns all free protected memory to the system, unless this thread has a session.
pub(crate) fn return_memory() {
    let Some(pages) = pages() else {
        spans(Domain::Protected).lock().return_to_system();
        return;
    };
    if let Ok(session) = Session::open() {
        pages.return_memory(true);
        session.commit();
    }
}

pub(crate) fn before_fork() {
    session::take_for_fork();
}

pub(crate) fn after_fork() {
    session::release_after_fork();
}

/// The child guards its own copy of the arena.
pub(crate) fn renew_in_child() {
    session::forget_waiting();
    let Some(pages) = pages() else {
        return;
    };
    let committed = pages.committed_pages.load(Relaxed) as usize * PAGE_BYTES;
    if !pages.guard.renew_in_child(committed) {
        stop(format_args!(
            "after a fork the system refused to guard the child's memory"
        ));
    }
}
