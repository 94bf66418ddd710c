//! A lock that is held for moments, and that a child process can free although its holder is gone.

use core::sync::atomic::{AtomicBool, Ordering};

const ATTEMPTS_BETWEEN_YIELDS: u32 = 64;

/// Nobody sleeps for it: whoever waits asks again.
#[derive(Debug)]
pub(super) struct YieldingLock(AtomicBool);

/// The right to what a lock guards, until it is dropped.
pub(super) struct Holding<'a>(&'a YieldingLock);

impl YieldingLock {
    pub(super) const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    pub(super) fn hold(&self) -> Holding<'_> {
        self.lock();
        Holding(self)
    }

    pub(super) fn lock(&self) {
        let mut attempts = 0_u32;
        while self.0.swap(true, Ordering::Acquire) {
            attempts += 1;
            if attempts.is_multiple_of(ATTEMPTS_BETWEEN_YIELDS) {
                // Whoever holds it may have been interrupted.
                std::thread::yield_now();
            }
            core::hint::spin_loop();
        }
    }

    pub(super) fn unlock(&self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        self.0.unlock();
    }
}
