//! The header of a message on the wire.
//!
//! ```text
//!  0  magic        b"ASC\x01", the format's version in the last byte
//!  4  length       bytes of payload, u32
//!  8  request      u64
//! 16  destination  u64
//! 24  checksum     CRC32C of the payload, u32
//! 28  seal         CRC32C of the 28 bytes before, u32
//! ```
//!
//! Numbers are little-endian. The seal makes a wrong length, identity or destination as visible as a
//! wrong byte of the payload, and ties the payload's checksum to both.

use asc_runtime::{Address, crc32c};

use crate::error::FrameError;

/// Bytes of a header.
pub const HEADER_BYTES: usize = 32;

/// The longest payload that is written or, unless told otherwise, accepted: 16 MiB.
pub const PAYLOAD_BYTES_MAX: usize = 16 << 20;

const MAGIC: [u8; 4] = *b"ASC\x01";
const SEALED_BYTES: usize = HEADER_BYTES - 4;

const _: () = assert!(PAYLOAD_BYTES_MAX <= u32::MAX as usize);

/// Everything but the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) address: Address,
    pub(crate) length: u32,
    pub(crate) checksum: u32,
}

impl Header {
    /// CRC32C over the header's other bytes.
    pub(crate) fn seal(&self) -> u32 {
        crc32c(&self.sealed_bytes())
    }

    /// The bytes on the wire, under a seal that was taken earlier.
    pub(crate) fn encode(&self, seal: u32) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..SEALED_BYTES].copy_from_slice(&self.sealed_bytes());
        bytes[SEALED_BYTES..].copy_from_slice(&seal.to_le_bytes());
        bytes
    }

    /// Reads a header and its seal, which matches.
    pub(crate) fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<(Self, u32), FrameError> {
        let (found, seal) = (crc32c(&bytes[..SEALED_BYTES]), word(bytes, SEALED_BYTES));
        if bytes[..4] != MAGIC || found != seal {
            return Err(FrameError::Header {
                expected: seal,
                found,
            });
        }
        let header = Self {
            address: Address::new(long(bytes, 8), long(bytes, 16)),
            length: word(bytes, 4),
            checksum: word(bytes, 24),
        };
        Ok((header, seal))
    }

    fn sealed_bytes(&self) -> [u8; SEALED_BYTES] {
        let mut bytes = [0; SEALED_BYTES];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&self.length.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.address.request.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.address.destination.to_le_bytes());
        bytes[24..].copy_from_slice(&self.checksum.to_le_bytes());
        bytes
    }
}

fn word(bytes: &[u8; HEADER_BYTES], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|index| bytes[at + index]))
}

fn long(bytes: &[u8; HEADER_BYTES], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|index| bytes[at + index]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The format is public: peers of other versions read it.
    #[test]
    fn layout() {
        let header = Header {
            address: Address::new(0x0102_0304_0506_0708, 9),
            length: 9,
            checksum: 0xE306_9283,
        };
        let bytes = header.encode(header.seal());
        assert_eq!(&bytes[..8], b"ASC\x01\x09\0\0\0");
        assert_eq!(&bytes[8..16], [8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(&bytes[16..28], b"\x09\0\0\0\0\0\0\0\x83\x92\x06\xE3");
        assert_eq!(word(&bytes, SEALED_BYTES), crc32c(&bytes[..SEALED_BYTES]));
        let decoded = Header::decode(&bytes).expect("it is whole");
        assert_eq!(decoded, (header, header.seal()));
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let header = Header {
            address: Address::new(77, 3),
            length: 1_000,
            checksum: 0xDEAD_BEEF,
        };
        for bit in 0..HEADER_BYTES * 8 {
            let mut bytes = header.encode(header.seal());
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::decode(&bytes).is_err(), "bit {bit}");
        }
    }
}
