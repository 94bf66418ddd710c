//! Examines all protected memory again and again, at a set rate.
//!
//! 1. A thread of its own takes a session for a few pages at a time, so that no handler is half way
//!    through them; a handler that comes meanwhile waits for microseconds.
//! 2. A page that does not agree with its codes is opened, which examines it line by line: it is
//!    corrected, or the process ends.
//! 3. Between two batches the thread sleeps as long as the rate demands.
//! 4. Dropping the [`Scrubber`] ends the thread.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::integrity::Codes;
use super::session::{self, Session};
use super::{Pages, fault, pages};
use crate::sys::memory::PAGE_BYTES;

/// Pages examined in one session: 64 KiB, some five microseconds.
const BATCH_PAGES: u32 = 16;
/// The thread looks this often whether it is to end.
const SLEEP_MAX: Duration = Duration::from_millis(50);

/// The background thread.
#[derive(Debug)]
pub struct Scrubber {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// How far the scrubber is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScrubProgress {
    /// Passes over all committed protected memory.
    pub passes: u64,
    /// Bytes examined in all of them.
    pub bytes: u64,
}

/// Why there is no scrubber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScrubError {
    /// The page level was not started with [`super::Builder::integrity`].
    NoCodes,
    /// The rate is zero.
    NoRate,
    /// The system gave no thread.
    NoThread,
}

impl fmt::Display for ScrubError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NoCodes => "no line codes to examine: start with `page::Builder::integrity`",
            Self::NoRate => "a scrubber needs a rate above zero bytes per second",
            Self::NoThread => "the system gave no thread for the scrubber",
        })
    }
}

impl std::error::Error for ScrubError {}

#[derive(Debug, Default)]
struct Shared {
    end: AtomicBool,
    passes: AtomicU64,
    bytes: AtomicU64,
}

impl Scrubber {
    /// Starts the thread.
    ///
    /// # Errors
    /// See [`ScrubError`].
    pub fn start(bytes_per_second: u64) -> Result<Self, ScrubError> {
        let pages = pages().ok_or(ScrubError::NoCodes)?;
        let codes = pages.codes.as_ref().ok_or(ScrubError::NoCodes)?;
        if bytes_per_second == 0 {
            return Err(ScrubError::NoRate);
        }
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("asc-scrubber".to_owned())
            .spawn(move || scrub(pages, codes, &own, bytes_per_second))
            .map_err(|_| ScrubError::NoThread)?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> ScrubProgress {
        ScrubProgress {
            passes: self.shared.passes.load(Relaxed),
            bytes: self.shared.bytes.load(Relaxed),
        }
    }
}

impl Drop for Scrubber {
    fn drop(&mut self) {
        self.shared.end.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            // The thread does not panic; if it did, its message was printed.
            let _ = thread.join();
        }
    }
}

fn scrub(pages: &Pages, codes: &Codes, shared: &Shared, bytes_per_second: u64) {
    let start = Instant::now();
    let mut next = 0;
    while !shared.end.load(Relaxed) {
        let end = pages.committed_pages.load(Relaxed).min(next + BATCH_PAGES);
        let Ok(session) = Session::open() else {
            return;
        };
        (next..end).for_each(|page| examine(pages, codes, page));
        session.commit_scrubbed();
        if session::is_awaited() {
            std::thread::yield_now();
        }
        let bytes = u64::from(end - next) * PAGE_BYTES as u64;
        let total = shared.bytes.fetch_add(bytes, Relaxed) + bytes;
        next = end;
        if next == pages.committed_pages.load(Relaxed) {
            next = 0;
            shared.passes.fetch_add(1, Relaxed);
        }
        let due = Duration::from_secs_f64(total as f64 / bytes_per_second as f64);
        sleep_until(start + due, &shared.end);
    }
}

fn examine(pages: &Pages, codes: &Codes, page: u32) {
    if !codes.is_intact(page, pages.records.page(page)) {
        fault::open(pages, page);
        // A page that was open already, a hot one, was not examined by that.
        codes.examine(page, pages.records.page(page));
    }
}

fn sleep_until(due: Instant, end: &AtomicBool) {
    loop {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() || end.load(Relaxed) {
            return;
        }
        std::thread::sleep(left.min(SLEEP_MAX));
    }
}
