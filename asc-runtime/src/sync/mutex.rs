//! Mutual exclusion.

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};
use std::thread;

use super::lock::{Answer, Lock, Mode};

/// A mutex like [`std::sync::Mutex`], which handlers hold until they are committed.
///
/// See the [module](super) for what differs inside handlers.
///
/// ```
/// use asc_runtime::sync::Mutex;
///
/// let total = Mutex::new(40);
/// *total.lock().unwrap() += 2;
/// assert_eq!(total.into_inner().unwrap(), 42);
/// ```
pub struct Mutex<T: ?Sized> {
    lock: Lock,
    value: UnsafeCell<T>,
}

// SAFETY: whoever has the mutex has the value.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// SAFETY: the lock lets one thread at a time reach the value, by whatever reference.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

impl<T: ?Sized> std::panic::UnwindSafe for Mutex<T> {}
impl<T: ?Sized> std::panic::RefUnwindSafe for Mutex<T> {}

impl<T> Mutex<T> {
    /// An unlocked mutex around `value`.
    pub const fn new(value: T) -> Self {
        Self {
            lock: Lock::new(),
            value: UnsafeCell::new(value),
        }
    }

    /// The value.
    ///
    /// # Errors
    /// If the mutex is poisoned; the error has the value.
    pub fn into_inner(self) -> LockResult<T> {
        let is_poisoned = self.lock.is_poisoned();
        judge(is_poisoned, self.value.into_inner())
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits for the mutex.
    ///
    /// # Errors
    /// If a panic has left the value half-changed; the error has the guard.
    ///
    /// # Refusals
    /// A handler that already has a guard of this mutex ends the program with exit status 87.
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let is_poisoned = self.lock.lock(Mode::Exclusive);
        judge(is_poisoned, MutexGuard::new(self))
    }

    /// Takes the mutex if nobody has it.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if somebody has it; [`TryLockError::Poisoned`] as for
    /// [`lock`](Self::lock).
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        let Answer {
            is_granted,
            is_poisoned,
        } = self.lock.try_lock(Mode::Exclusive);
        if !is_granted {
            return Err(TryLockError::WouldBlock);
        }
        Ok(judge(is_poisoned, MutexGuard::new(self))?)
    }

    /// Whether a panic has left the value half-changed.
    pub fn is_poisoned(&self) -> bool {
        self.lock.is_poisoned()
    }

    /// Declares the value sound again.
    pub fn clear_poison(&self) {
        self.lock.set_poison(false);
    }

    /// The value: nobody else can have it.
    ///
    /// # Errors
    /// If the mutex is poisoned; the error has the reference.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        let is_poisoned = self.lock.is_poisoned();
        judge(is_poisoned, self.value.get_mut())
    }
}

pub(super) fn judge<T>(is_poisoned: bool, value: T) -> LockResult<T> {
    if is_poisoned {
        Err(PoisonError::new(value))
    } else {
        Ok(value)
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = formatter.debug_struct("Mutex");
        match self.try_lock() {
            Ok(guard) => fields.field("data", &&*guard),
            Err(TryLockError::Poisoned(error)) => fields.field("data", &&**error.get_ref()),
            Err(TryLockError::WouldBlock) => fields.field("data", &format_args!("<locked>")),
        };
        fields.finish_non_exhaustive()
    }
}

/// The value of a [`Mutex`], as long as it is locked.
#[must_use = "a guard that is dropped at once protects nothing"]
pub struct MutexGuard<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    was_panicking: bool,
    /// The lock belongs to the thread that has taken it.
    of_this_thread: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives shared references to the value only.
unsafe impl<T: ?Sized + Sync> Sync for MutexGuard<'_, T> {}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    fn new(mutex: &'a Mutex<T>) -> Self {
        Self {
            mutex,
            was_panicking: thread::panicking(),
            of_this_thread: PhantomData,
        }
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard holds the lock exclusively.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard holds the lock exclusively.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the guard holds the lock and is gone after this.
        unsafe { self.mutex.lock.unlock(Mode::Exclusive, self.was_panicking) };
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}
