//! Starts page mode.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use std::panic::{catch_unwind, resume_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use asc_alloc::{AscAlloc, diversion, page};

use super::sys::{frame, protection_key};
use super::{allocation, announcements, effect, probe, signals, store, stray, system_call};

static STARTED: AtomicBool = AtomicBool::new(false);
static DISPATCHES: AtomicBool = AtomicBool::new(false);
/// Held by the thread that starts.
static STARTING: Mutex<()> = Mutex::new(());

/// Settings of page mode.
///
/// ```
/// use asc_alloc::AscAlloc;
/// use asc_runtime::{asc_handler, paged};
///
/// #[global_allocator]
/// static ALLOC: AscAlloc = AscAlloc::new();
///
/// #[asc_handler]
/// fn vote(counts: &mut Vec<u64>, candidate: usize) -> u64 {
///     counts[candidate] += 1;
///     counts[candidate]
/// }
///
/// # fn main() -> Result<(), paged::StartError> {
/// // First of all, before there are other threads.
/// match paged::Builder::new().start() {
///     Ok(_) => {}
///     // A machine that cannot see every store: accepted here, and named in the documentation.
///     Err(paged::StartError::Unguarded) => {
///         paged::Builder::new().accept_unguarded().start()?;
///     }
///     Err(error) => return Err(error),
/// }
/// let mut counts = ALLOC.protected(|| vec![0; 4]);
/// assert_eq!(vote(&mut counts, 2), 1);
/// assert_eq!(asc_runtime::statistics().runs, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Builder {
    pages: page::Builder,
    accept_unguarded: bool,
}

/// Why page mode does not start.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// It runs already.
    Started,
    /// A handler with `intercept = source` has run before.
    TooLate,
    /// The program's global allocator is not [`AscAlloc`].
    Allocator,
    /// The processor or the kernel cannot close ordinary memory to handlers.
    Unguarded,
    /// The allocator's page level does not start.
    Pages(page::StartError),
    /// The signal handlers could not be installed.
    Signals,
}

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Started => "page mode was started before",
            Self::TooLate => {
                "a handler with `intercept = source` has run without page mode: start page mode first of all"
            }
            Self::Allocator => {
                "page mode needs asc-alloc: `#[global_allocator] static ALLOC: asc_alloc::AscAlloc = \
                 asc_alloc::AscAlloc::new();`"
            }
            Self::Unguarded => {
                "page mode sees every store of a handler only with protection keys (most server \
                 processors since 2017) and Linux 6.12 or newer. Without them, what handlers change in \
                 statics, thread-locals and ordinary heap memory goes unseen and happens twice: keep \
                 all state in `protected` memory and call `Builder::accept_unguarded`, or build with \
                 `cargo asc`"
            }
            Self::Pages(error) => return error.fmt(formatter),
            Self::Signals => "the system refused handlers for SIGSEGV, SIGBUS, SIGTRAP and SIGSYS",
        })
    }
}

impl core::error::Error for StartError {}

/// Starts page mode with the defaults.
///
/// # Errors
/// See [`StartError`].
pub fn start() -> Result<page::Backend, StartError> {
    Builder::new().start()
}

impl Builder {
    /// The defaults of [`page::Builder`]; every store must be seen.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            pages: page::Builder::new(),
            accept_unguarded: false,
        }
    }

    /// Uses these settings for protected memory.
    #[must_use]
    pub const fn pages(mut self, pages: page::Builder) -> Self {
        self.pages = pages;
        self
    }

    /// Starts on machines without protection keys, or with a kernel before Linux 6.12, too. There what a
    /// handler changes outside of protected memory and its thread's stack is neither undone nor
    /// compared: it happens twice.
    #[must_use]
    pub const fn accept_unguarded(mut self) -> Self {
        self.accept_unguarded = true;
        self
    }

    /// Starts page mode for this process: from now on every handler runs twice. Call it first of all; of a
    /// thread that is older, a system call that it is waiting in may fail where it stores to the stack of
    /// another thread.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(self) -> Result<page::Backend, StartError> {
        let _starting = lock();
        if is_started() {
            return Err(StartError::Started);
        }
        if announcements::are_open() {
            return Err(StartError::TooLate);
        }
        if !is_global_allocator() {
            return Err(StartError::Allocator);
        }
        frame::prepare();
        let guarded = protection_key::allocate() && probe::ordinary_memory_can_be_closed();
        if !guarded {
            protection_key::give_up();
        }
        if !guarded && !self.accept_unguarded {
            return Err(StartError::Unguarded);
        }
        store::prepare();
        effect::prepare();
        unwind_once();
        let pages = match protection_key::stack_key() {
            0 => self.pages,
            key => self.pages.lent_key(key),
        };
        let backend = pages.start().map_err(StartError::Pages)?;
        if !signals::install() {
            return Err(StartError::Signals);
        }
        page::set_stray_write_reporter(stray::report);
        // SAFETY: the engine's functions allocate and free as they are asked to.
        unsafe { diversion::install(&allocation::ENGINE) };
        DISPATCHES.store(system_call::is_offered(), Ordering::Relaxed);
        STARTED.store(true, Ordering::Release);
        Ok(backend)
    }
}

/// Keeps others from starting meanwhile.
pub(super) fn lock() -> MutexGuard<'static, ()> {
    STARTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether handlers run twice.
#[inline]
pub(crate) fn is_started() -> bool {
    STARTED.load(Ordering::Relaxed)
}

/// Whether the kernel dispatches handlers' system calls.
pub(crate) fn dispatches_system_calls() -> bool {
    DISPATCHES.load(Ordering::Relaxed)
}

/// At the first panic the dynamic linker looks up what the unwinder calls, and counts that in a word of its
/// own. Another thread that panics for the first time, outside of handlers, would change that word under a
/// handler's hands.
fn unwind_once() {
    struct Cleanup;
    impl Drop for Cleanup {
        fn drop(&mut self) {
            core::hint::black_box(self);
        }
    }
    if cfg!(panic = "unwind") {
        let unwound = catch_unwind(|| {
            let _cleanup = Cleanup;
            // Without the program's panic hook.
            resume_unwind(Box::new(()))
        });
        core::hint::black_box(unwound.is_err());
    }
}

fn is_global_allocator() -> bool {
    let block = AscAlloc::new().protected(|| Box::new(1u64));
    AscAlloc::is_protected(core::hint::black_box(&*block))
}
