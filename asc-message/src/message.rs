//! A message: bytes, address, and the checksums taken where they were produced.

use std::fmt;

use asc_runtime::{Address, Input, Output, crc32c};

use crate::error::Corrupted;
use crate::header::{Header, PAYLOAD_BYTES_MAX};

/// Bytes for one peer, with a CRC32C over them and one over the address.
///
/// The checksums are taken once, where the bytes are produced. Nothing recomputes them on the way:
/// whoever uses the bytes compares with what the producer meant.
///
/// ```
/// use asc_message::Message;
/// use asc_runtime::Address;
///
/// let message = Message::seal(Address::new(1, 7), b"get key".to_vec());
/// assert!(message.verify().is_ok());
/// assert_eq!(message.input().bytes(), b"get key");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    bytes: Vec<u8>,
    address: Address,
    checksum: u32,
    seal: u32,
}

impl Message {
    /// Seals bytes that this program made or received without a checksum.
    ///
    /// # Panics
    /// If there are more than [`PAYLOAD_BYTES_MAX`] bytes.
    pub fn seal(address: Address, bytes: Vec<u8>) -> Self {
        let checksum = crc32c(&bytes);
        Self::with_checksum(address, bytes, checksum)
    }

    /// What handlers wrote to `reply`, for the peer that `address` names, under the checksum that
    /// both runs computed.
    ///
    /// In hardened builds an output that was addressed to somebody else ends the process with an
    /// incident: a right answer for the wrong peer is corruption.
    ///
    /// ```
    /// use asc_message::Message;
    /// use asc_runtime::{Address, Output};
    ///
    /// let (mut reply, address) = (Output::new(), Address::new(1, 7));
    /// reply.address(address);
    /// reply.write(b"STORED");
    /// assert_eq!(Message::answer(&reply, address), Message::seal(address, b"STORED".to_vec()));
    /// ```
    ///
    /// # Panics
    /// If there are more than [`PAYLOAD_BYTES_MAX`] bytes. In plain builds, if the output is
    /// addressed to somebody else.
    pub fn answer(reply: &Output, address: Address) -> Self {
        let bytes = reply.bytes_for(address).to_vec();
        Self::with_checksum(address, bytes, reply.checksum())
    }

    /// The bytes as a handler reads them: in hardened builds each run gets them only if they match
    /// the producer's checksum, and they must still match when both have ended.
    pub fn input(&self) -> Input<'_> {
        Input::with_checksum(&self.bytes, self.checksum)
    }

    /// Who asked and who is to be answered.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// The producer's CRC32C of the bytes.
    pub const fn checksum(&self) -> u32 {
        self.checksum
    }

    /// Number of bytes.
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are no bytes.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The bytes, which match the producer's checksum.
    ///
    /// # Errors
    /// [`Corrupted`] if they, or the address, do not: drop the message.
    pub fn verified_bytes(&self) -> Result<&[u8], Corrupted> {
        self.verify()?;
        Ok(&self.bytes)
    }

    /// Demands that bytes and address still match the producer's checksums.
    ///
    /// # Errors
    /// [`Corrupted`] with the sum that differs.
    pub fn verify(&self) -> Result<(), Corrupted> {
        Corrupted::unless_equal("address", self.seal, self.header().seal())?;
        Corrupted::unless_equal("payload", self.checksum, crc32c(&self.bytes))
    }

    fn with_checksum(address: Address, bytes: Vec<u8>, checksum: u32) -> Self {
        assert!(
            bytes.len() <= PAYLOAD_BYTES_MAX,
            "a message of {} bytes: split what is longer than {PAYLOAD_BYTES_MAX}",
            bytes.len()
        );
        let mut message = Self {
            bytes,
            address,
            checksum,
            seal: 0,
        };
        message.seal = message.header().seal();
        message
    }

    /// A message as it came from the wire.
    pub(crate) const fn received(header: &Header, seal: u32, bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            address: header.address,
            checksum: header.checksum,
            seal,
        }
    }

    pub(crate) fn header(&self) -> Header {
        Header {
            address: self.address,
            length: self.bytes.len() as u32,
            checksum: self.checksum,
        }
    }

    /// The header's bytes, under the producer's seal.
    pub(crate) fn encoded_header(&self) -> [u8; crate::HEADER_BYTES] {
        self.header().encode(self.seal)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Message")
            .field("address", &self.address)
            .field("len", &self.bytes.len())
            .field("checksum", &format_args!("{:#010x}", self.checksum))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Message {
        Message::seal(Address::new(5, 7), b"set key 5".to_vec())
    }

    #[test]
    fn every_flipped_bit_of_the_bytes_is_seen() {
        for bit in 0..sample().len() * 8 {
            let mut message = sample();
            message.bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(message.verify().unwrap_err().what, "payload", "bit {bit}");
        }
    }

    #[test]
    fn another_address_length_or_checksum_is_seen() {
        for damage in [
            |message: &mut Message| message.address.request ^= 1 << 40,
            |message: &mut Message| message.address.destination ^= 1,
            |message: &mut Message| message.checksum ^= 1 << 31,
            |message: &mut Message| message.seal ^= 2,
            |message: &mut Message| message.bytes.truncate(8),
            |message: &mut Message| {
                std::mem::swap(
                    &mut message.address.request,
                    &mut message.address.destination,
                )
            },
        ] {
            let mut message = sample();
            damage(&mut message);
            let error = message.verified_bytes().unwrap_err();
            assert_eq!(error.what, "address");
            assert_ne!(error.expected, error.found);
        }
        assert_eq!(sample().verified_bytes(), Ok(b"set key 5".as_slice()));
    }

    #[test]
    fn what_was_damaged_is_not_sent() {
        let mut message = sample();
        message.bytes[3] ^= 4;
        let mut wire = Vec::new();
        let error = crate::write_message(&mut wire, &message).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
        assert!(wire.is_empty());
    }
}
