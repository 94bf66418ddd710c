//! Asks the kernel what userfaultfd can do for this user.
//!
//! 1. Open one, by the system call or, where that is refused, by the device.
//! 2. Do the handshake (`UFFDIO_API`), which answers with the features.
//! 3. Close it; nothing was registered, so nothing changed.

use std::fs::File;
use std::io::{Error, Result};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// `_IOWR(0xAA, 0x3F, struct uffdio_api)`, from linux/userfaultfd.h.
const UFFDIO_API: libc::c_ulong = 0xc018_aa3f;
/// `_IO(0xAA, 0x00)`: a new userfaultfd from the device.
const USERFAULTFD_IOC_NEW: libc::c_ulong = 0xaa00;
/// The version both sides must name.
const UFFD_API: u64 = 0xaa;
/// Faults of the program itself, not of the kernel on its behalf.
const UFFD_USER_MODE_ONLY: libc::c_int = 1;
const UFFD_FEATURE_PAGEFAULT_FLAG_WP: u64 = 1 << 0;
const UFFD_FEATURE_SIGBUS: u64 = 1 << 7;

/// The features that page mode needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Features {
    /// Write protection of single pages.
    pub(crate) write_protection: bool,
    /// A signal to the thread that faults, in place of a message to another.
    pub(crate) signal: bool,
}

impl Features {
    /// Whether page mode can use it.
    pub(crate) fn suffice(self) -> bool {
        self.write_protection && self.signal
    }
}

/// What the handshake exchanges: `struct uffdio_api`.
#[repr(C)]
struct Handshake {
    api: u64,
    features: u64,
    ioctls: u64,
}

/// The features of userfaultfd here; an error when the kernel refuses it.
pub(crate) fn features() -> Result<Features> {
    let descriptor = by_system_call().or_else(|refused| by_device().map_err(|_| refused))?;
    let mut handshake = Handshake {
        api: UFFD_API,
        features: 0,
        ioctls: 0,
    };
    // SAFETY: the request takes a pointer to a `struct uffdio_api`, whose
    // layout `Handshake` has, and the kernel writes no further than its end.
    let status = unsafe { libc::ioctl(descriptor.as_raw_fd(), UFFDIO_API, &raw mut handshake) };
    if status < 0 {
        return Err(Error::last_os_error());
    }
    Ok(Features {
        write_protection: handshake.features & UFFD_FEATURE_PAGEFAULT_FLAG_WP != 0,
        signal: handshake.features & UFFD_FEATURE_SIGBUS != 0,
    })
}

fn by_system_call() -> Result<OwnedFd> {
    let flags = libc::O_CLOEXEC | libc::O_NONBLOCK | UFFD_USER_MODE_ONLY;
    // SAFETY: the call takes one integer and touches no memory of ours.
    let descriptor = unsafe { libc::syscall(libc::SYS_userfaultfd, flags) };
    owned(descriptor as RawFd)
}

fn by_device() -> Result<OwnedFd> {
    let device = File::open("/dev/userfaultfd")?;
    let flags = libc::O_CLOEXEC | libc::O_NONBLOCK;
    // SAFETY: the request takes its flags by value and touches no memory of ours.
    let descriptor = unsafe { libc::ioctl(device.as_raw_fd(), USERFAULTFD_IOC_NEW, flags) };
    owned(descriptor)
}

fn owned(descriptor: RawFd) -> Result<OwnedFd> {
    if descriptor < 0 {
        return Err(Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}
