//! Write protection by userfaultfd, reported to the faulting thread as SIGBUS.
//!
//! 1. [`open`] asks for a descriptor and for what is needed of it: write protection, signals in place
//!    of messages, protection of pages that do not exist yet (Linux 6.4).
//! 2. [`Userfault::register`] names the range.
//! 3. [`Userfault::protect`] and [`Userfault::unprotect`] close and open pages. Both are single system
//!    calls and may be made in a signal handler.
//!
//! Only faults of user code are asked for, which any user may; the kernel's own writes into a closed
//! page fail with `EFAULT`.

use core::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// From linux/userfaultfd.h.
const UFFD_API: u64 = 0xaa;
const UFFD_USER_MODE_ONLY: libc::c_int = 1;
const UFFD_FEATURE_PAGEFAULT_FLAG_WP: u64 = 1 << 0;
const UFFD_FEATURE_SIGBUS: u64 = 1 << 7;
const UFFD_FEATURE_WP_UNPOPULATED: u64 = 1 << 13;
const UFFDIO_API: libc::c_ulong = 0xc018_aa3f;
const UFFDIO_REGISTER: libc::c_ulong = 0xc020_aa00;
const UFFDIO_WRITEPROTECT: libc::c_ulong = 0xc018_aa06;
const UFFDIO_REGISTER_MODE_WP: u64 = 1 << 1;
const UFFDIO_WRITEPROTECT_MODE_WP: u64 = 1 << 0;

/// `struct uffdio_api`.
#[repr(C)]
struct Handshake {
    api: u64,
    features: u64,
    ioctls: u64,
}

/// `struct uffdio_register`.
#[repr(C)]
struct Registration {
    start: u64,
    length: u64,
    mode: u64,
    ioctls: u64,
}

/// `struct uffdio_writeprotect`.
#[repr(C)]
struct WriteProtect {
    start: u64,
    length: u64,
    mode: u64,
}

/// The process's descriptor, replaced in the child of a fork.
pub(crate) struct Userfault {
    descriptor: AtomicI32,
}

impl Userfault {
    pub(crate) const fn closed() -> Self {
        Self {
            descriptor: AtomicI32::new(-1),
        }
    }

    /// Opens a descriptor; false when the kernel does not offer what is needed.
    pub(crate) fn open(&self) -> bool {
        let flags = libc::O_CLOEXEC | libc::O_NONBLOCK | UFFD_USER_MODE_ONLY;
        // SAFETY: the call takes one integer and touches no memory of ours.
        let descriptor = unsafe { libc::syscall(libc::SYS_userfaultfd, flags) } as libc::c_int;
        if descriptor < 0 {
            return false;
        }
        self.close();
        self.descriptor.store(descriptor, Relaxed);
        let mut handshake = Handshake {
            api: UFFD_API,
            features: UFFD_FEATURE_PAGEFAULT_FLAG_WP
                | UFFD_FEATURE_SIGBUS
                | UFFD_FEATURE_WP_UNPOPULATED,
            ioctls: 0,
        };
        let offered = self.request(UFFDIO_API, &mut handshake);
        if !offered {
            self.close();
        }
        offered
    }

    /// Closes the descriptor, which opens all pages for good.
    pub(crate) fn close(&self) {
        let descriptor = self.descriptor.swap(-1, Relaxed);
        if descriptor >= 0 {
            // SAFETY: the descriptor is this value's own.
            unsafe { libc::close(descriptor) };
        }
    }

    pub(crate) fn register(&self, start: usize, bytes: usize) -> bool {
        let mut registration = Registration {
            start: start as u64,
            length: bytes as u64,
            mode: UFFDIO_REGISTER_MODE_WP,
            ioctls: 0,
        };
        self.request(UFFDIO_REGISTER, &mut registration)
    }

    pub(crate) fn protect(&self, start: usize, bytes: usize) -> bool {
        self.set(start, bytes, UFFDIO_WRITEPROTECT_MODE_WP)
    }

    pub(crate) fn unprotect(&self, start: usize, bytes: usize) -> bool {
        self.set(start, bytes, 0)
    }

    fn set(&self, start: usize, bytes: usize, mode: u64) -> bool {
        let mut change = WriteProtect {
            start: start as u64,
            length: bytes as u64,
            mode,
        };
        self.request(UFFDIO_WRITEPROTECT, &mut change)
    }

    fn request<T>(&self, request: libc::c_ulong, argument: &mut T) -> bool {
        let descriptor = self.descriptor.load(Relaxed);
        // SAFETY: every request of this module is passed the structure that it is defined with, and
        // the kernel writes no further than its end.
        unsafe { libc::ioctl(descriptor, request, core::ptr::from_mut(argument)) == 0 }
    }
}

/// A second descriptor cannot register a range that a first one still has.
impl Drop for Userfault {
    fn drop(&mut self) {
        self.close();
    }
}
