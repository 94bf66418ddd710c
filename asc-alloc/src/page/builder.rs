//! Starts the page level: settings, the choice of a backend, and the first closing of the arena.

use std::fmt;
use std::sync::atomic::AtomicU32;

use super::backend::{Arena, Backend, Guard, UnknownBackend};
use super::integrity::{Codes, Rot};
use super::records::Records;
use super::{PAGES, Pages, fault, guard_fresh, pages, stray};
use crate::domain::Domain;
use crate::heap::region::REGION;
use crate::heap::spans;
use crate::line_code::{LineCode, LineLengthError};
use crate::sys::memory::PAGE_BYTES;
use crate::sys::signal;

/// Names the backend when the builder does not: `pku`, `userfaultfd` or `mprotect`.
pub const BACKEND_VARIABLE: &str = "ASC_PAGE_BACKEND";

/// Pages that one session may change: 64 MiB. With `mprotect` each may cost two mappings, of which
/// Linux allows 65,530.
const PAGES_MAX_DEFAULT: usize = 16 * 1024;
/// Pages that stay open behind the gate: at some 100 ns for each in every session, no more than are
/// paid for by a few faults.
const HOT_PAGES_MAX_DEFAULT: usize = 256;

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
    lent_key: Option<u32>,
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
            lent_key: None,
        }
    }

    /// Uses this backend and no other, whatever the environment says.
    #[must_use]
    pub const fn backend(mut self, backend: Backend) -> Self {
        self.backend = Some(backend);
        self
    }

    /// How many pages of 4 KiB one session may change. One that changes more ends the process with
    /// [`super::EXIT_REFUSED`].
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

    /// For an engine that closes ordinary memory while handlers run: the protection key that it has
    /// allocated for what stays open then. Backends without a gate of their own put protected memory
    /// under it.
    #[must_use]
    pub const fn lent_key(mut self, key: u32) -> Self {
        self.lent_key = Some(key);
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
        let tables = self.tables(arena)?;
        // From here on the arena may be gated: nothing before this has an effect.
        let guard = prepare_guard(wanted, arena, self.lent_key)?;
        let backend = guard.backend();
        let pages = self.pages(guard, arena, tables);
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

    fn tables(self, arena: Arena) -> Result<(Records, Option<Codes>), StartError> {
        // Hot pages and a session's cold ones share the table.
        let entries = self
            .pages_max
            .saturating_add(self.hot_pages_max)
            .min(1 << 31);
        let codes = match self.integrity {
            Some((line_bytes, rot)) => {
                let code = LineCode::new(line_bytes).map_err(StartError::LineLength)?;
                Some(Codes::new(code, arena.bytes, rot).ok_or(StartError::NoMemory)?)
            }
            None => None,
        };
        let records = Records::new(arena.base, arena.bytes, entries);
        Ok((records.ok_or(StartError::NoMemory)?, codes))
    }

    fn pages(
        self,
        guard: Guard,
        arena: Arena,
        (records, codes): (Records, Option<Codes>),
    ) -> Pages {
        let hot_pages_max = match guard.backend() {
            Backend::KeyAndUserfault => self.hot_pages_max,
            Backend::Userfault | Backend::Mprotect => 0,
        };
        Pages {
            guard,
            records,
            committed_pages: AtomicU32::new((arena.committed / PAGE_BYTES) as u32),
            hot_pages_max,
            codes,
        }
    }
}

fn prepare_guard(
    wanted: Option<Backend>,
    arena: Arena,
    lent_key: Option<u32>,
) -> Result<Guard, StartError> {
    if let Some(backend) = wanted {
        return Guard::prepare(backend, arena, lent_key).ok_or(StartError::Unavailable(backend));
    }
    let mut offered = Backend::ALL.into_iter();
    let guard = offered.find_map(|backend| Guard::prepare(backend, arena, lent_key));
    guard.ok_or(StartError::Unavailable(Backend::Mprotect))
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
