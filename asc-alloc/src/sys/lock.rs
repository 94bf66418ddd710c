//! A lock that may be taken inside an allocator and across a fork.
//!
//! The C library's mutex is all of this: it is initialised at compile time, sleeps without
//! allocating, and the thread that called `fork` may release in the child what it took before
//! (std's `Mutex` offers no release without its guard, `parking_lot` allocates under contention).

use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};

/// A value and the mutex that guards it.
///
/// 1. The value is reached only through a [`Guard`], or by the thread that called
///    [`Locked::take_for_fork`].
/// 2. It lives in a `static`: the mutex never moves.
pub(crate) struct Locked<T> {
    mutex: UnsafeCell<libc::pthread_mutex_t>,
    value: UnsafeCell<T>,
}

// SAFETY: by invariant 1 one thread at a time reaches the value.
unsafe impl<T: Send> Sync for Locked<T> {}

impl<T> Locked<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self {
            mutex: UnsafeCell::new(libc::PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP),
            value: UnsafeCell::new(value),
        }
    }

    pub(crate) fn lock(&'static self) -> Guard<T> {
        self.take_for_fork();
        Guard { locked: self }
    }

    /// Takes the lock without a guard; [`Locked::release_after_fork`] releases it.
    pub(crate) fn take_for_fork(&'static self) {
        // SAFETY: an initialised mutex that never moves (invariant 2).
        unsafe { libc::pthread_mutex_lock(self.mutex.get()) };
    }

    /// Takes the lock without a guard if nobody has it.
    pub(crate) fn try_to_take(&'static self) -> bool {
        // SAFETY: an initialised mutex that never moves (invariant 2).
        unsafe { libc::pthread_mutex_trylock(self.mutex.get()) == 0 }
    }

    /// Releases what this thread, or the thread that it was before the fork, has taken.
    pub(crate) fn release_after_fork(&'static self) {
        // SAFETY: an initialised mutex that this thread holds: the callers are the guard's drop and
        // the two ends of a fork.
        unsafe { libc::pthread_mutex_unlock(self.mutex.get()) };
    }
}

/// The value of a [`Locked`] while this thread has it.
pub(crate) struct Guard<T: 'static> {
    locked: &'static Locked<T>,
}

impl<T> Deref for Guard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: this guard's thread holds the mutex (invariant 1).
        unsafe { &*self.locked.value.get() }
    }
}

impl<T> DerefMut for Guard<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: this guard's thread holds the mutex (invariant 1), and the guard is borrowed
        // exclusively.
        unsafe { &mut *self.locked.value.get() }
    }
}

impl<T> Drop for Guard<T> {
    fn drop(&mut self) {
        self.locked.release_after_fork();
    }
}
