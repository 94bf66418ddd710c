//! Many readers or one writer.

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use std::sync::{LockResult, TryLockError, TryLockResult};
use std::thread;

use super::lock::{Answer, Lock, Mode};
use super::mutex::judge;

/// A read-write lock like [`std::sync::RwLock`], which handlers hold until they are committed.
///
/// See the [module](super) for what differs inside handlers.
///
/// ```
/// use asc_runtime::sync::RwLock;
///
/// let names = RwLock::new(vec!["ada"]);
/// assert_eq!(names.read().unwrap().len(), 1);
/// names.write().unwrap().push("grace");
/// assert_eq!(names.into_inner().unwrap(), ["ada", "grace"]);
/// ```
pub struct RwLock<T: ?Sized> {
    lock: Lock,
    value: UnsafeCell<T>,
}

// SAFETY: whoever has the lock has the value.
unsafe impl<T: ?Sized + Send> Send for RwLock<T> {}
// SAFETY: one thread at a time reaches the value to change it (`Send`), or several to read (`Sync`).
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}

impl<T: ?Sized> std::panic::UnwindSafe for RwLock<T> {}
impl<T: ?Sized> std::panic::RefUnwindSafe for RwLock<T> {}

impl<T> RwLock<T> {
    /// An unlocked lock around `value`.
    pub const fn new(value: T) -> Self {
        Self {
            lock: Lock::new(),
            value: UnsafeCell::new(value),
        }
    }

    /// The value.
    ///
    /// # Errors
    /// If the lock is poisoned; the error has the value.
    pub fn into_inner(self) -> LockResult<T> {
        let is_poisoned = self.lock.is_poisoned();
        judge(is_poisoned, self.value.into_inner())
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits until nobody writes.
    ///
    /// # Errors
    /// If a panic has left the value half-changed; the error has the guard.
    ///
    /// # Refusals
    /// A handler that is writing to it already ends the program with exit status 87.
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        let is_poisoned = self.lock.lock(Mode::Shared);
        judge(is_poisoned, RwLockReadGuard::new(self))
    }

    /// Waits until nobody else reads or writes.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    ///
    /// # Refusals
    /// A handler that has a guard of this lock already ends the program with exit status 87.
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        let is_poisoned = self.lock.lock(Mode::Exclusive);
        judge(is_poisoned, RwLockWriteGuard::new(self))
    }

    /// Reads if nobody writes.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if somebody does; [`TryLockError::Poisoned`] as for
    /// [`read`](Self::read).
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        let is_poisoned = granted(self.lock.try_lock(Mode::Shared))?;
        Ok(judge(is_poisoned, RwLockReadGuard::new(self))?)
    }

    /// Writes if nobody else reads or writes. In a handler that has read before, others may be reading
    /// too: it is told that it would block.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if somebody does; [`TryLockError::Poisoned`] as for
    /// [`read`](Self::read).
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        let is_poisoned = granted(self.lock.try_lock(Mode::Exclusive))?;
        Ok(judge(is_poisoned, RwLockWriteGuard::new(self))?)
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
    /// If the lock is poisoned; the error has the reference.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        let is_poisoned = self.lock.is_poisoned();
        judge(is_poisoned, self.value.get_mut())
    }
}

/// Whether the lock is poisoned, if it was granted.
fn granted<G>(answer: Answer) -> Result<bool, TryLockError<G>> {
    if answer.is_granted {
        Ok(answer.is_poisoned)
    } else {
        Err(TryLockError::WouldBlock)
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = formatter.debug_struct("RwLock");
        match self.try_read() {
            Ok(guard) => fields.field("data", &&*guard),
            Err(TryLockError::Poisoned(error)) => fields.field("data", &&**error.get_ref()),
            Err(TryLockError::WouldBlock) => fields.field("data", &format_args!("<locked>")),
        };
        fields.finish_non_exhaustive()
    }
}

/// The value of an [`RwLock`], as long as it is only read.
#[must_use = "a guard that is dropped at once protects nothing"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    /// The lock belongs to the thread that has taken it.
    of_this_thread: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives shared references to the value only.
unsafe impl<T: ?Sized + Sync> Sync for RwLockReadGuard<'_, T> {}

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    const fn new(lock: &'a RwLock<T>) -> Self {
        Self {
            lock,
            of_this_thread: PhantomData,
        }
    }
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard holds the lock, so nobody writes.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: ?Sized> Drop for RwLockReadGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the guard holds the lock and is gone after this.
        unsafe { self.lock.lock.unlock(Mode::Shared, false) };
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}

/// The value of an [`RwLock`], as long as nobody else has it.
#[must_use = "a guard that is dropped at once protects nothing"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    was_panicking: bool,
    /// The lock belongs to the thread that has taken it.
    of_this_thread: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives shared references to the value only.
unsafe impl<T: ?Sized + Sync> Sync for RwLockWriteGuard<'_, T> {}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    fn new(lock: &'a RwLock<T>) -> Self {
        Self {
            lock,
            was_panicking: thread::panicking(),
            of_this_thread: PhantomData,
        }
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard holds the lock exclusively.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard holds the lock exclusively.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T: ?Sized> Drop for RwLockWriteGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the guard holds the lock and is gone after this.
        unsafe { self.lock.lock.unlock(Mode::Exclusive, self.was_panicking) };
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}
