//! Lines on standard error for `-v` and `-vv`.

use std::fmt::Arguments;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// How much is logged; `verbosity` changes it.
#[derive(Debug)]
pub(crate) struct Log {
    level: AtomicU32,
}

impl Log {
    pub(crate) fn new(level: u32) -> Self {
        Self {
            level: AtomicU32::new(level),
        }
    }

    pub(crate) fn level(&self) -> u32 {
        self.level.load(Relaxed)
    }

    pub(crate) fn set_level(&self, level: u32) {
        self.level.store(level, Relaxed);
    }

    /// An error or a warning: `-v`.
    pub(crate) fn warn(&self, line: Arguments<'_>) {
        if self.level() >= 1 {
            eprintln!("{line}");
        }
    }

    /// What clients do: `-vv`.
    pub(crate) fn trace(&self, line: Arguments<'_>) {
        if self.level() >= 2 {
            eprintln!("{line}");
        }
    }
}
