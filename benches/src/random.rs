//! Reproducible choices.

/// A multiplicative congruential generator: fast, seeded, good enough to spread keys.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn with_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}
