//! A short, stable name for a set of inputs: FNV-1a with 64 bits.
//!
//! It names cache entries, it does not defend against an adversary. The
//! standard library's hasher may change between releases; this one does not.

/// A fingerprint being computed.
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    /// The fingerprint of nothing.
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds one part; ("ab", "c") and ("a", "bc") differ.
    pub(crate) fn add(&mut self, part: &[u8]) {
        for byte in part.iter().chain(&(part.len() as u64).to_le_bytes()) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Sixteen hexadecimal digits.
    pub(crate) fn finish(&self) -> String {
        format!("{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Fingerprint;

    fn of(parts: &[&str]) -> String {
        let mut fingerprint = Fingerprint::new();
        parts
            .iter()
            .for_each(|part| fingerprint.add(part.as_bytes()));
        fingerprint.finish()
    }

    #[test]
    fn the_borders_between_parts_count() {
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
    }
}
