//! Messages that were sent and that the receiver left out.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many messages a receiver left out, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Omissions {
    /// The payload did not match the producer's checksum.
    pub damaged: u64,
    /// The message was for another destination.
    pub misdirected: u64,
    /// The header did not match its seal: this message, and what followed on that stream.
    pub unreadable: u64,
}

static DAMAGED: AtomicU64 = AtomicU64::new(0);
static MISDIRECTED: AtomicU64 = AtomicU64::new(0);
static UNREADABLE: AtomicU64 = AtomicU64::new(0);

/// The omissions of all receivers of this process, for a service's metrics.
pub fn omissions() -> Omissions {
    Omissions {
        damaged: DAMAGED.load(Ordering::Relaxed),
        misdirected: MISDIRECTED.load(Ordering::Relaxed),
        unreadable: UNREADABLE.load(Ordering::Relaxed),
    }
}

impl Omissions {
    pub(crate) fn count_damaged(&mut self) {
        count(&mut self.damaged, &DAMAGED);
    }

    pub(crate) fn count_misdirected(&mut self) {
        count(&mut self.misdirected, &MISDIRECTED);
    }

    pub(crate) fn count_unreadable(&mut self) {
        count(&mut self.unreadable, &UNREADABLE);
    }
}

fn count(own: &mut u64, of_the_process: &AtomicU64) {
    *own += 1;
    of_the_process.fetch_add(1, Ordering::Relaxed);
}
