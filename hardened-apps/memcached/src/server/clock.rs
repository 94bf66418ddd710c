//! The time that handlers are told.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Set to allow `debugtime`, with which memcached's own tests move the clock.
const DEBUG_VARIABLE: &str = "ASC_MEMCACHED_DEBUGTIME";

/// Unix seconds that never go back: the time of day at the start plus the time since then.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    unix_at_start: Duration,
    debug: Option<DebugTime>,
}

/// The clock as tests have set it.
#[derive(Debug, Default)]
struct DebugTime {
    moved_seconds: AtomicI64,
    paused: AtomicBool,
    paused_at: AtomicU32,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let unix_at_start = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            started: Instant::now(),
            unix_at_start,
            debug: std::env::var_os(DEBUG_VARIABLE).map(|_| DebugTime::default()),
        }
    }

    /// Unix seconds; 32 bits last until 2106.
    pub(crate) fn now(&self) -> u32 {
        let now = self.undisturbed();
        match &self.debug {
            None => now,
            Some(debug) if debug.paused.load(Relaxed) => debug.paused_at.load(Relaxed),
            Some(debug) => {
                let moved = i64::from(now) + debug.moved_seconds.load(Relaxed);
                u32::try_from(moved).unwrap_or(now)
            }
        }
    }

    /// Seconds since the start.
    pub(crate) fn uptime(&self) -> u64 {
        let started = u32::try_from(self.unix_at_start.as_secs()).unwrap_or(u32::MAX);
        u64::from(self.now().saturating_sub(started))
    }

    /// Whether tests may set it.
    pub(crate) fn can_be_moved(&self) -> bool {
        self.debug.is_some()
    }

    pub(crate) fn pause(&self) {
        let now = self.now();
        if let Some(debug) = &self.debug {
            debug.paused_at.store(now, Relaxed);
            debug.paused.store(true, Relaxed);
        }
    }

    pub(crate) fn resume(&self) {
        let undisturbed = self.undisturbed();
        if let Some(debug) = &self.debug
            && debug.paused.swap(false, Relaxed)
        {
            let moved = i64::from(debug.paused_at.load(Relaxed)) - i64::from(undisturbed);
            debug.moved_seconds.store(moved, Relaxed);
        }
    }

    pub(crate) fn move_by(&self, seconds: i64) {
        let Some(debug) = &self.debug else {
            return;
        };
        if debug.paused.load(Relaxed) {
            let moved = i64::from(debug.paused_at.load(Relaxed)) + seconds;
            debug
                .paused_at
                .store(u32::try_from(moved).unwrap_or_default(), Relaxed);
        } else {
            debug.moved_seconds.fetch_add(seconds, Relaxed);
        }
    }

    fn undisturbed(&self) -> u32 {
        let unix = self.unix_at_start + self.started.elapsed();
        u32::try_from(unix.as_secs()).unwrap_or(u32::MAX)
    }
}
