//! What a mutex and a read-write lock have in common.

use core::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use parking_lot::RawRwLock;
use parking_lot::lock_api::RawRwLock as _;

#[cfg(asc_crc)]
use crate::hardened::integrity::outside;
#[cfg(asc)]
use crate::hardened::locks;

/// How a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Mode {
    Shared,
    Exclusive,
}

/// A lock without data.
pub(crate) struct Lock {
    pub(crate) raw: RawRwLock,
    pub(crate) poisoned: AtomicBool,
}

/// Whether a lock was granted, and whether a panic had left its data half-changed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) is_granted: bool,
    pub(crate) is_poisoned: bool,
}

impl Lock {
    pub(crate) const fn new() -> Self {
        Self {
            raw: RawRwLock::INIT,
            poisoned: AtomicBool::new(false),
        }
    }

    /// Waits for the lock; says whether it is poisoned.
    #[inline]
    pub(crate) fn lock(&self, mode: Mode) -> bool {
        #[cfg(asc_crc)]
        outside::refuse_lock((&raw const *self).addr());
        #[cfg(asc)]
        if locks::is_concerned() {
            return locks::ask(self, locks::Operation::Lock(mode)).is_poisoned;
        }
        self.raw_lock(mode);
        self.has_poison()
    }

    /// Takes the lock if it is free.
    #[inline]
    pub(crate) fn try_lock(&self, mode: Mode) -> Answer {
        #[cfg(asc_crc)]
        outside::refuse_lock((&raw const *self).addr());
        #[cfg(asc)]
        if locks::is_concerned() {
            return locks::ask(self, locks::Operation::TryLock(mode));
        }
        Answer {
            is_granted: self.raw_try_lock(mode),
            is_poisoned: self.has_poison(),
        }
    }

    /// Gives the lock back; poisons it if a panic has begun since it was taken.
    ///
    /// # Safety
    /// The caller holds the lock in this mode and gives it up.
    #[inline]
    pub(crate) unsafe fn unlock(&self, mode: Mode, was_panicking: bool) {
        if mode == Mode::Exclusive && !was_panicking && thread::panicking() {
            self.set_poison(true);
        }
        #[cfg(asc)]
        if locks::is_concerned() {
            locks::ask(self, locks::Operation::Unlock(mode));
            return;
        }
        // Whoever gets the lock next relies on what was stored under it.
        #[cfg(asc_crc)]
        outside::settle();
        // SAFETY: by contract.
        unsafe { self.raw_unlock(mode) };
    }

    #[inline]
    pub(crate) fn is_poisoned(&self) -> bool {
        #[cfg(asc)]
        if locks::is_concerned() {
            return locks::ask(self, locks::Operation::IsPoisoned).is_poisoned;
        }
        self.has_poison()
    }

    pub(crate) fn set_poison(&self, value: bool) {
        #[cfg(asc)]
        if locks::is_concerned() {
            return locks::poison(self, value);
        }
        self.poisoned.store(value, Ordering::Relaxed);
    }

    pub(crate) fn has_poison(&self) -> bool {
        self.poisoned.load(Ordering::Relaxed)
    }

    pub(crate) fn raw_lock(&self, mode: Mode) {
        match mode {
            Mode::Shared => self.raw.lock_shared(),
            Mode::Exclusive => self.raw.lock_exclusive(),
        }
    }

    pub(crate) fn raw_try_lock(&self, mode: Mode) -> bool {
        match mode {
            Mode::Shared => self.raw.try_lock_shared(),
            Mode::Exclusive => self.raw.try_lock_exclusive(),
        }
    }

    /// # Safety
    /// The lock is held in this mode, and the holder gives it up.
    pub(crate) unsafe fn raw_unlock(&self, mode: Mode) {
        match mode {
            // SAFETY: by contract.
            Mode::Shared => unsafe { self.raw.unlock_shared() },
            // SAFETY: by contract.
            Mode::Exclusive => unsafe { self.raw.unlock_exclusive() },
        }
    }
}
