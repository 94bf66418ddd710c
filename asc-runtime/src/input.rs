//! A message with the checksum taken where it was received.

/// Message bytes and their CRC32C.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    bytes: &'a [u8],
    checksum: u32,
}

impl<'a> Input<'a> {
    /// Takes the checksum of `bytes`.
    pub fn seal(bytes: &'a [u8]) -> Self {
        Self { bytes, checksum: crc32c::crc32c(bytes) }
    }
    /// The bytes, verified against the checksum.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
    /// CRC32C of the bytes.
    pub fn checksum(&self) -> u32 {
        self.checksum
    }
}
