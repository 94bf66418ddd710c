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
mod fault;
mod integrity;
mod records;
mod scrubber;
mod session;
mod stray;

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

pub use backend::{Backend, UnknownBackend};
pub use fault::{EXIT_REFUSED, EXIT_ROTTEN};
pub use integrity::Rot;
pub use scrubber::{ScrubError, ScrubProgress, Scrubber};
pub use session::{BeginError, DirtyPage, PageDifference, Session};
pub use stray::{EXIT_STRAY_WRITE, StrayWrite, set_stray_write_reporter};

use crate::domain::Domain;
use crate::heap::region::REGION;
use crate::heap::spans;
use crate::line_code::{LineCode, LineLengthError};
use crate::statistics::PageStatistics;
use crate::stop::stop;
use crate::sys::memory::PAGE_BYTES;
use crate::sys::signal;
use backend::{Arena, Guard};
use integrity::Codes;
use records::Records;

/// Names the backend when the builder does not: `pku`, `userfaultfd` or `mprotect`.
pub const BACKEND_VARIABLE: &str = "ASC_PAGE_BACKEND";

/// Pages that one session may change: 64 MiB. With `mprotect` each may cost two mappings, of which
/// Linux allows 65,530.
const PAGES_MAX_DEFAULT: usize = 16 * 1024;
/// Pages that stay open behind the gate: at some 100 ns for each in every session, no more than are
/// paid for by a few faults.
const HOT_PAGES_MAX_DEFAULT: usize = 256;

/// The page level once it was started.
struct Pages {
    guard: Guard,
    records: Records,
    committed_pages: AtomicU32,
    hot_pages_max: usize,
    codes: Option<Codes>,
}

static PAGES: OnceLock<Pages> = OnceLock::new();

/// Settings of the page level.
///
/// ```
/// use asc_alloc::page::{Builder, Session};
/// use asc_alloc::AscAlloc;
/// use std::hint::black_box;
///
/// #[global_allocator]
/// static ALLOC: AscAlloc = AscAlloc::new();
///
/// Builder::new().start()?;
/// let mut state = ALLOC.protected(|| vec![1; 1000]);
/// let mut run = |value| black_box(&mut state)[500] = value;
///
/// // SAFETY: `run` passes the state through `black_box` each time, and nobody else looks at it.
/// let mut session = unsafe { Session::begin() }?;
/// run(2);
/// session.capture();
/// session.restore()?;
/// run(2);
/// session.compare()?;
/// session.commit();
///
/// // SAFETY: as above.
/// let mut session = unsafe { Session::begin() }?;
/// run(3);
/// session.capture();
/// session.restore()?;
/// run(4);
/// assert!(session.compare().is_err());
/// session.roll_back()?;
/// assert_eq!(black_box(&state)[500], 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Builder {
    backend: Option<Backend>,
    pages_max: usize,
    hot_pages_max: usize,
    integrity: Option<(usize, Rot)>,
}

/// Why the page level does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// It runs already.
    Started,
    /// The environment names no backend.
    Unknown(UnknownBackend),
    /// No line has the length that was asked for.
    LineLength(LineLengthError),
    /// The machine does not offer the backend that was asked for.
    Unavailable(Backend),
    /// There is no memory for the tables or the arena.
    NoMemory,
    /// The signal handlers could not be installed.
    NoSignals,
}

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => formatter.write_str("the page level was started before"),
            Self::Unknown(unknown) => write!(formatter, "{BACKEND_VARIABLE}: {unknown}"),
            Self::LineLength(error) => write!(formatter, "{error}"),
            Self::Unavailable(backend) => write!(
                formatter,
                "this machine does not offer the page backend {backend}: name another, or none and \
                 the fastest one that works is used"
            ),
            Self::NoMemory => formatter.write_str(
                "no address space for the page level's tables: raise the limit (ulimit -v)",
            ),
            Self::NoSignals => {
                formatter.write_str("the system refused handlers for SIGSEGV and SIGBUS")
            }
        }
    }
}

impl std::error::Error for StartError {}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// The defaults: the backend is found by trying, 64 MiB per session, 256 hot pages.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            backend: None,
            pages_max: PAGES_MAX_DEFAULT,
            hot_pages_max: HOT_PAGES_MAX_DEFAULT,
            integrity: None,
        }
    }

    /// Uses this backend and no other, whatever the environment says.
    #[must_use]
    pub const fn backend(mut self, backend: Backend) -> Self {
        self.backend = Some(backend);
        self
    }

    /// How many pages of 4 KiB one session may change. One that changes more ends the process with
    /// [`EXIT_REFUSED`].
    #[must_use]
    pub const fn pages_max(mut self, pages: usize) -> Self {
        self.pages_max = pages;
        self
    }

    /// How many pages may stay open behind the gate; only [`Backend::KeyAndUserfault`] has one.
    #[must_use]
    pub const fn hot_pages_max(mut self, pages: usize) -> Self {
        self.hot_pages_max = pages;
        self
    }

    /// Keeps a code for each line of `line_bytes` of protected memory, 4 bytes of code per line, for
    /// machines without ECC; [`crate::line_code`] says which lengths there are and what they find.
    /// `rot` says what happens to a line with one flipped bit.
    #[must_use]
    pub const fn integrity(mut self, line_bytes: usize, rot: Rot) -> Self {
        self.integrity = Some((line_bytes, rot));
        self
    }

    /// Starts the page level for this process; the backend it uses.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(self) -> Result<Backend, StartError> {
        let wanted = self.wanted()?;
        // Held to the end: the arena does not grow meanwhile, and one thread at a time starts.
        let mut spans = spans(Domain::Protected).lock();
        if PAGES.get().is_some() {
            return Err(StartError::Started);
        }
        let (offset, committed) = spans.committed_range().ok_or(StartError::NoMemory)?;
        let arena = Arena {
            base: REGION.pointer(offset),
            bytes: REGION.arena_bytes(),
            committed,
        };
        let guard = prepare_guard(wanted, arena)?;
        let backend = guard.backend();
        let pages = self.pages(guard, arena)?;
        stray::prepare();
        if PAGES.set(pages).is_err() {
            return Err(StartError::Started);
        }
        if !signal::install(fault::on_signal) {
            return Err(StartError::NoSignals);
        }
        spans.defer_returns();
        seal_all(committed / PAGE_BYTES);
        guard_fresh(Domain::Protected, offset, committed);
        Ok(backend)
    }

    fn wanted(self) -> Result<Option<Backend>, StartError> {
        if self.backend.is_some() {
            return Ok(self.backend);
        }
        match std::env::var(BACKEND_VARIABLE) {
            Ok(name) => name.parse().map(Some).map_err(StartError::Unknown),
            Err(_) => Ok(None),
        }
    }

    fn pages(self, guard: Guard, arena: Arena) -> Result<Pages, StartError> {
        let hot_pages_max = match guard.backend() {
            Backend::KeyAndUserfault => self.hot_pages_max,
            Backend::Userfault | Backend::Mprotect => 0,
        };
        // Hot pages and a session's cold ones share the table.
        let entries = self.pages_max.saturating_add(hot_pages_max).min(1 << 31);
        let records = Records::new(arena.base, arena.bytes, entries);
        let codes = match self.integrity {
            Some((line_bytes, rot)) => {
                let code = LineCode::new(line_bytes).map_err(StartError::LineLength)?;
                Some(Codes::new(code, arena.bytes, rot).ok_or(StartError::NoMemory)?)
            }
            None => None,
        };
        Ok(Pages {
            guard,
            records: records.ok_or(StartError::NoMemory)?,
            committed_pages: AtomicU32::new((arena.committed / PAGE_BYTES) as u32),
            hot_pages_max,
            codes,
        })
    }
}

/// The backend in use; `None` before the page level is started.
#[must_use]
pub fn backend() -> Option<Backend> {
    Some(pages()?.guard.backend())
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

fn prepare_guard(wanted: Option<Backend>, arena: Arena) -> Result<Guard, StartError> {
    if let Some(backend) = wanted {
        return Guard::prepare(backend, arena).ok_or(StartError::Unavailable(backend));
    }
    let mut offered = Backend::ALL.into_iter();
    let guard = offered.find_map(|backend| Guard::prepare(backend, arena));
    guard.ok_or(StartError::Unavailable(Backend::Mprotect))
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

/// Seals what is committed at the start.
fn seal_all(count: usize) {
    let Some(pages) = pages() else {
        return;
    };
    if let Some(codes) = &pages.codes {
        (0..count as u32).for_each(|page| codes.seal(page, pages.records.page(page)));
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
