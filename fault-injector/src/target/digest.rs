//! The digest of a target's final state.

use std::hash::{DefaultHasher, Hasher as _};

/// Collects the state, piece by piece, in an order that is always the same.
#[derive(Debug, Default)]
pub struct Digest {
    hasher: DefaultHasher,
}

impl Digest {
    /// Adds a number.
    pub fn number(&mut self, value: u64) {
        self.hasher.write_u64(value);
    }

    /// Adds bytes; their length counts too.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.hasher.write_usize(bytes.len());
        self.hasher.write(bytes);
    }

    /// The value that stands for everything added so far.
    pub fn value(&self) -> u64 {
        self.hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_borders_between_pieces_count() {
        let value = |pieces: &[&[u8]]| {
            let mut digest = Digest::default();
            pieces.iter().for_each(|piece| digest.bytes(piece));
            digest.value()
        };
        assert_ne!(value(&[b"ab", b"c"]), value(&[b"a", b"bc"]));
        assert_eq!(value(&[b"ab", b"c"]), value(&[b"ab", b"c"]));
    }
}
