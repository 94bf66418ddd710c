//! The time that handlers are told.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Unix seconds that never go back: the time of day at the start plus the time since then.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    unix_at_start: std::time::Duration,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let unix_at_start = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            started: Instant::now(),
            unix_at_start,
        }
    }

    /// Unix seconds; 32 bits last until 2106.
    pub(crate) fn now(&self) -> u32 {
        let unix = self.unix_at_start + self.started.elapsed();
        u32::try_from(unix.as_secs()).unwrap_or(u32::MAX)
    }

    /// Seconds since the start.
    pub(crate) fn uptime(&self) -> u64 {
        self.started.elapsed().as_secs()
    }
}
