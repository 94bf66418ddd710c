//! Which of the two arenas a thread allocates from.
//!
//! The *protected* arena holds the state that handlers change and that the page level guards; the
//! *ordinary* arena holds everything else. The scope a thread is in when a block is allocated (or
//! moved by a reallocation) decides; a block stays in its arena for life.

use core::cell::Cell;

/// One of the two arenas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Domain {
    /// Everything outside of protected scopes.
    Ordinary = 0,
    /// What is allocated inside of them.
    Protected = 1,
}

impl Domain {
    pub(crate) const ALL: [Self; 2] = [Self::Ordinary, Self::Protected];

    #[inline(always)]
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

thread_local! {
    // Constant and without a destructor: a plain word of the thread, valid to its very end.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// The arena of the current scope.
#[inline(always)]
pub(crate) fn current() -> Domain {
    if DEPTH.get() == 0 {
        Domain::Ordinary
    } else {
        Domain::Protected
    }
}

/// While it lives, this thread allocates protected memory. Scopes nest.
///
/// ```
/// let scope = asc_alloc::ProtectedScope::enter();
/// let state = vec![0u64; 16];
/// drop(scope);
/// # drop(state);
/// ```
#[derive(Debug)]
pub struct ProtectedScope {
    // Not `Send`: the depth is this thread's.
    _this_thread: core::marker::PhantomData<*const ()>,
}

impl ProtectedScope {
    /// Enters a scope; dropping the value leaves it.
    #[must_use = "the scope ends when this value is dropped"]
    pub fn enter() -> Self {
        DEPTH.set(
            DEPTH
                .get()
                .checked_add(1)
                .expect("scopes nest 2^32 deep at most"),
        );
        Self {
            _this_thread: core::marker::PhantomData,
        }
    }

    /// Whether this thread is in a scope.
    #[must_use]
    pub fn is_entered() -> bool {
        current() == Domain::Protected
    }
}

/// Runs `scope` outside of every protected scope of this thread.
pub(crate) fn ordinary<R>(scope: impl FnOnce() -> R) -> R {
    /// Puts the depth back.
    struct Interrupted(u32);
    impl Drop for Interrupted {
        fn drop(&mut self) {
            DEPTH.set(self.0);
        }
    }
    let _interrupted = Interrupted(DEPTH.replace(0));
    scope()
}

impl Drop for ProtectedScope {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// While it lives, this thread allocates ordinary memory, whatever scope it is in: for an engine's own
/// records, whose stores nobody intercepts.
///
/// ```
/// use asc_alloc::{OrdinaryScope, ProtectedScope};
///
/// let _protected = ProtectedScope::enter();
/// let ordinary = OrdinaryScope::enter();
/// assert!(!ProtectedScope::is_entered());
/// drop(ordinary);
/// assert!(ProtectedScope::is_entered());
/// ```
#[derive(Debug)]
pub struct OrdinaryScope {
    /// How deep the thread was in protected scopes.
    depth: u32,
    // Not `Send`: the depth is this thread's.
    _this_thread: core::marker::PhantomData<*const ()>,
}

impl OrdinaryScope {
    /// Suspends the protected scopes; dropping the value resumes them.
    #[must_use = "the scope ends when this value is dropped"]
    pub fn enter() -> Self {
        Self {
            depth: DEPTH.replace(0),
            _this_thread: core::marker::PhantomData,
        }
    }
}

impl Drop for OrdinaryScope {
    fn drop(&mut self) {
        DEPTH.set(self.depth);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_nest_and_end_with_a_panic() {
        assert!(!ProtectedScope::is_entered());
        let outer = ProtectedScope::enter();
        let inner = std::panic::catch_unwind(|| {
            let _inner = ProtectedScope::enter();
            panic!("leaves the inner scope");
        });
        assert!(inner.is_err());
        assert!(ProtectedScope::is_entered());
        assert!(!ordinary(ProtectedScope::is_entered));
        assert!(ProtectedScope::is_entered());
        drop(outer);
        assert!(!ProtectedScope::is_entered());
    }
}
