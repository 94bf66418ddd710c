//! The three ways to see the first write to a page, and which of them this machine offers.
//!
//! | backend | a closed page | seen as | opened by |
//! |---|---|---|---|
//! | [`Backend::KeyAndUserfault`] | protection key, then userfaultfd | SIGSEGV, SIGBUS | one ioctl; hot pages stay open behind the key |
//! | [`Backend::Userfault`] | userfaultfd | SIGBUS | one ioctl |
//! | [`Backend::Mprotect`] | read-only mapping | SIGSEGV | `mprotect` |
//!
//! A backend is tried by using it, never inferred from a version.

use core::ffi::c_int;
use core::fmt;
use core::str::FromStr;

use crate::sys::memory::{self, PAGE_BYTES};
use crate::sys::protection_key::ProtectionKey;
use crate::sys::userfault::Userfault;

/// How writes to closed pages are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// A protection key as gate for all pages, userfaultfd for cold ones. The fastest.
    KeyAndUserfault,
    /// userfaultfd write protection alone.
    Userfault,
    /// `mprotect` and SIGSEGV; every kernel has it.
    Mprotect,
}

impl Backend {
    /// All of them, the fastest first.
    pub const ALL: [Self; 3] = [Self::KeyAndUserfault, Self::Userfault, Self::Mprotect];

    /// The name that [`FromStr`] and the environment variable take.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::KeyAndUserfault => "pku",
            Self::Userfault => "userfaultfd",
            Self::Mprotect => "mprotect",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A name that is no backend's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownBackend(String);

impl fmt::Display for UnknownBackend {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.0;
        write!(
            formatter,
            "no page backend is called {name:?}: use pku, userfaultfd or mprotect"
        )
    }
}

impl std::error::Error for UnknownBackend {}

impl FromStr for Backend {
    type Err = UnknownBackend;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|backend| backend.name() == name);
        found.ok_or_else(|| UnknownBackend(name.to_owned()))
    }
}

/// The backend in use, on the protected arena.
pub(crate) struct Guard {
    backend: Backend,
    key: Option<ProtectionKey>,
    userfault: Userfault,
    arena: Arena,
}

/// The protected arena: where it starts, how long it is, and how much of it is committed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arena {
    pub(crate) base: *mut u8,
    pub(crate) bytes: usize,
    pub(crate) committed: usize,
}

// SAFETY: the pointer is to memory that lives as long as the process; it is used as an address for
// system calls, which order themselves.
unsafe impl Send for Guard {}
// SAFETY: likewise.
unsafe impl Sync for Guard {}

impl Guard {
    /// Sets the backend up without closing anything; `None` when the machine does not offer it.
    ///
    /// Without a gate of its own the arena gets `lent_key`, if there is one.
    pub(crate) fn prepare(backend: Backend, arena: Arena, lent_key: Option<u32>) -> Option<Self> {
        let mut guard = Self {
            backend,
            key: None,
            userfault: Userfault::closed(),
            arena,
        };
        // SAFETY: the arena is the allocator's.
        unsafe { memory::keep_pages_small(arena.base, arena.bytes) };
        if backend != Backend::Mprotect && !guard.watch() {
            return None;
        }
        if backend == Backend::KeyAndUserfault {
            let key = ProtectionKey::allocate()?;
            guard.key = Some(key);
            guard.cover(key)?;
        } else if let Some(key) = lent_key {
            guard.cover(ProtectionKey::lent(key))?;
        }
        Some(guard)
    }

    pub(crate) fn backend(&self) -> Backend {
        self.backend
    }

    pub(crate) fn key(&self) -> Option<ProtectionKey> {
        self.key
    }

    /// Lets this thread write to open pages.
    #[inline]
    pub(crate) fn enter(&self) {
        if let Some(key) = self.key {
            key.open();
        }
    }

    #[inline]
    pub(crate) fn leave(&self) {
        if let Some(key) = self.key {
            key.close();
        }
    }

    /// Opens one page. Async-signal-safe.
    pub(crate) fn open(&self, page: u32) -> bool {
        let start = self.page(page);
        match self.backend {
            // SAFETY: the page is committed.
            Backend::Mprotect => unsafe { memory::commit(start, PAGE_BYTES) },
            _ => self.userfault.unprotect(start.addr(), PAGE_BYTES),
        }
    }

    /// Closes `count` pages from `page` on.
    pub(crate) fn close(&self, page: u32, count: usize) -> bool {
        let (start, bytes) = (self.page(page), count * PAGE_BYTES);
        match self.backend {
            // SAFETY: the pages are committed, and the fault handler is installed.
            Backend::Mprotect => unsafe { memory::close(start, bytes) },
            _ => self.userfault.protect(start.addr(), bytes),
        }
    }

    /// After a fork: the child's pages are no longer watched by the parent's descriptor.
    pub(crate) fn renew_in_child(&self, committed: usize) -> bool {
        self.backend == Backend::Mprotect
            || (self.watch() && self.userfault.protect(self.arena.base.addr(), committed))
    }

    fn watch(&self) -> bool {
        self.userfault.open()
            && self
                .userfault
                .register(self.arena.base.addr(), self.arena.bytes)
    }

    /// Puts the arena under the key; what is committed later keeps it.
    fn cover(&self, key: ProtectionKey) -> Option<()> {
        let (start, committed) = (self.arena.base.addr(), self.arena.committed);
        let read_write = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the rights are those that the committed part has.
        let used = unsafe { key.cover(start, committed, read_write) };
        let rest = self.arena.bytes - committed;
        let none: c_int = libc::PROT_NONE;
        // SAFETY: the rights are those that the rest has.
        let covered = used && (rest == 0 || unsafe { key.cover(start + committed, rest, none) });
        covered.then_some(())
    }

    fn page(&self, page: u32) -> *mut u8 {
        self.arena
            .base
            .wrapping_byte_add(page as usize * PAGE_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine without keys falls back after the faster backend has registered the arena.
    #[test]
    fn a_backend_that_was_given_up_leaves_the_arena_to_the_next() {
        let bytes = 64 * PAGE_BYTES;
        let base = memory::map_records(bytes)
            .expect("a little memory")
            .as_ptr();
        let arena = Arena {
            base,
            bytes,
            committed: bytes,
        };
        let offered = Guard::prepare(Backend::Userfault, arena, None).is_some();
        for _ in 0..3 {
            let again = Guard::prepare(Backend::Userfault, arena, None);
            assert_eq!(again.is_some(), offered);
        }
        assert!(Guard::prepare(Backend::Mprotect, arena, None).is_some());
    }
}
