//! A message with the checksum taken where it was received.

use crate::checksum::crc32c;

/// A message and its CRC32C.
///
/// Seal it where it arrives, or pass on the checksum that came with it; in hardened builds a handler
/// that reads the bytes gets them only if they still match, in each of its runs, and they must still
/// do so when both runs have ended.
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
    /// The checksum, exclusive or [`ZEROES_ARE_NO_MESSAGE`].
    #[cfg(any(asc, feature = "page"))]
    seal: u32,
    /// Sealed by a handler, whose bytes may be gone before it has ended.
    #[cfg(any(asc, feature = "page"))]
    is_transient: bool,
}

/// The CRC32C of no bytes is 0. With a seal of 0 as well, a reference that a fault has moved to unused memory,
/// mostly zeroes, would lead to an intact empty message.
#[cfg(any(asc, feature = "page"))]
const ZEROES_ARE_NO_MESSAGE: u32 = 0x5EA1_ED00;

#[cfg(any(asc, feature = "page"))]
impl<'a> Input<'a> {
    /// Takes the checksum of `bytes`.
    pub fn seal(bytes: &'a [u8]) -> Self {
        Self::with_checksum(bytes, crc32c(bytes))
    }

    /// A message whose checksum was taken earlier, where it was produced or received.
    pub fn with_checksum(bytes: &'a [u8], checksum: u32) -> Self {
        Self {
            bytes,
            seal: checksum ^ ZEROES_ARE_NO_MESSAGE,
            is_transient: crate::engine::sys::handler_active(),
        }
    }

    /// The bytes. Ends the process with an incident if they no longer match their checksum.
    pub fn bytes(&self) -> &'a [u8] {
        let Self {
            bytes,
            is_transient,
            ..
        } = *self;
        let checksum = self.checksum();
        // SAFETY: a live slice.
        unsafe { asc_input_verify(bytes.as_ptr(), bytes.len(), checksum, is_transient) };
        self.bytes
    }

    /// CRC32C of the bytes when they were sealed.
    pub const fn checksum(&self) -> u32 {
        self.seal ^ ZEROES_ARE_NO_MESSAGE
    }
}

#[cfg(not(any(asc, feature = "page")))]
impl<'a> Input<'a> {
    /// Names `bytes` as a message.
    pub const fn seal(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Names `bytes` as a message. A plain build compares them with no checksum.
    pub const fn with_checksum(bytes: &'a [u8], _checksum: u32) -> Self {
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

#[cfg(any(asc, feature = "page"))]
use verify::asc_input_verify;

#[cfg(any(asc, feature = "page"))]
pub(crate) mod verify {
    use crate::checksum::crc32c;
    use crate::engine::Returned;
    use crate::engine::context::current;
    use crate::engine::sys::private_entry;
    use crate::fault::{Fault, Stage};
    use crate::incident;

    private_entry! {
        pub(super) fn asc_input_verify(
            bytes: *const u8,
            length: usize,
            checksum: u32,
            is_transient: bool,
        );
        outside = verify_outside; inside = verify_inside;
    }

    unsafe extern "C" fn verify_outside(
        bytes: *const u8,
        length: usize,
        checksum: u32,
        _is_transient: bool,
    ) {
        // SAFETY: `Input` passes its own slice.
        if let Err(fault) = unsafe { verify(bytes, length, checksum) } {
            incident::stop("", 0, &fault);
        }
    }

    unsafe extern "C" fn verify_inside(
        bytes: *const u8,
        length: usize,
        checksum: u32,
        is_transient: bool,
    ) -> Returned {
        let context = current();
        // SAFETY: as above.
        context.demand(unsafe { verify(bytes, length, checksum) });
        if !is_transient {
            context.inputs.add(bytes, length, checksum);
        }
        Returned::NOTHING
    }

    /// # Safety
    /// `bytes` is valid for reads of `length` bytes.
    pub(crate) unsafe fn verify(
        bytes: *const u8,
        length: usize,
        checksum: u32,
    ) -> Result<(), Fault> {
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

#[cfg(all(test, any(asc, feature = "page")))]
mod tests {
    use super::{Input, crc32c};

    #[test]
    fn zeroes_are_no_message() {
        let zeroes = Input {
            bytes: &[],
            seal: 0,
            is_transient: false,
        };
        assert_ne!(zeroes.checksum(), crc32c(zeroes.bytes));
        assert_eq!(Input::seal(b"").checksum(), 0);
    }
}
