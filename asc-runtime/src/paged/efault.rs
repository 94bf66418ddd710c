//! Why a system call failed with `EFAULT`.

use core::fmt;
use std::io;

use asc_alloc::AscAlloc;

/// A system call was to write into protected memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Efault {
    /// Where the buffer starts.
    pub address: usize,
    /// Its bytes.
    pub length: usize,
}

impl fmt::Display for Efault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, length } = self;
        write!(
            formatter,
            "the kernel does not write into protected memory, where the buffer of {length} bytes at {address:#x} \
             lies: read into ordinary memory, and copy it in a handler or in `AscAlloc::protected`"
        )
    }
}

impl core::error::Error for Efault {}

/// What lies behind an `EFAULT` of a system call that was to fill `buffer`: `None` when the error is
/// another one, or the buffer is not protected.
///
/// ```
/// use std::io::Read as _;
///
/// fn read(socket: &mut impl std::io::Read, buffer: &mut [u8]) -> std::io::Result<usize> {
///     socket.read(buffer).map_err(|error| {
///         match asc_runtime::paged::explain_efault(&error, buffer) {
///             Some(efault) => std::io::Error::other(efault),
///             None => error,
///         }
///     })
/// }
/// # assert_eq!(read(&mut &b"ab"[..], &mut [0; 2]).unwrap(), 2);
/// ```
#[must_use]
pub fn explain_efault(error: &io::Error, buffer: &[u8]) -> Option<Efault> {
    let is_efault = error.raw_os_error() == Some(libc::EFAULT);
    let last = buffer.last()?;
    let is_protected = AscAlloc::is_protected(buffer.as_ptr()) || AscAlloc::is_protected(last);
    (is_efault && is_protected).then(|| Efault {
        address: buffer.as_ptr().addr(),
        length: buffer.len(),
    })
}
