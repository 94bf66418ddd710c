//! A message with the checksum taken where it was received.

use crate::checksum::crc32c;

/// A message and its CRC32C.
///
/// Seal it where it arrives; in hardened builds a handler that reads the bytes gets them only if
/// they still match, in each of its runs.
///
/// ```
/// use asc_runtime::Input;
///
/// let request = Input::seal(b"get key\r\n");
/// assert_eq!(request.bytes(), b"get key\r\n");
/// assert_eq!(Input::seal(b"123456789").checksum(), 0xE306_9283);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    bytes: &'a [u8],
    #[cfg(asc)]
    checksum: u32,
}

#[cfg(asc)]
impl<'a> Input<'a> {
    /// Takes the checksum of `bytes`.
    pub fn seal(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            checksum: crc32c(bytes),
        }
    }

    /// The bytes. Ends the process with an incident if they no longer match their checksum.
    pub fn bytes(&self) -> &'a [u8] {
        // SAFETY: a live slice.
        unsafe { asc_input_verify(self.bytes.as_ptr(), self.bytes.len(), self.checksum) };
        self.bytes
    }

    /// CRC32C of the bytes when they were sealed.
    pub const fn checksum(&self) -> u32 {
        self.checksum
    }
}

#[cfg(not(asc))]
impl<'a> Input<'a> {
    /// Names `bytes` as a message.
    pub const fn seal(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The bytes.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// CRC32C of the bytes.
    pub fn checksum(&self) -> u32 {
        crc32c(self.bytes)
    }
}

#[cfg(asc)]
use verify::asc_input_verify;

#[cfg(asc)]
mod verify {
    use crate::checksum::crc32c;
    use crate::fault::{Fault, Stage};
    use crate::hardened::Returned;
    use crate::hardened::context::current;
    use crate::hardened::sys::private_entry;
    use crate::incident;

    private_entry! {
        pub(super) fn asc_input_verify(bytes: *const u8, length: usize, checksum: u32);
        outside = verify_outside; inside = verify_inside;
    }

    unsafe extern "C" fn verify_outside(bytes: *const u8, length: usize, checksum: u32) {
        // SAFETY: `Input` passes its own slice.
        if let Err(fault) = unsafe { verify(bytes, length, checksum) } {
            incident::stop("", 0, &fault);
        }
    }

    unsafe extern "C" fn verify_inside(bytes: *const u8, length: usize, checksum: u32) -> Returned {
        // SAFETY: as above.
        current().demand(unsafe { verify(bytes, length, checksum) });
        Returned::NOTHING
    }

    unsafe fn verify(bytes: *const u8, length: usize, checksum: u32) -> Result<(), Fault> {
        // SAFETY: by contract.
        let found = crc32c(unsafe { core::slice::from_raw_parts(bytes, length) });
        if found == checksum {
            return Ok(());
        }
        Err(
            Fault::new(Stage::Input, "the request does not match its checksum")
                .values(checksum.into(), found.into()),
        )
    }
}
