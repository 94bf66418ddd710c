//! Which shard a key belongs to.
//!
//! The worker's choice of a shard is only a hint. The shard itself compares the key's hash with
//! its own placement inside the handler and hands a foreign key on, so that a wrong choice, made
//! outside of the handler, costs a detour and never a wrong answer.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::FixedState;

/// Hashes keys. The seed is chosen once per process, outside of any handler.
#[derive(Debug, Clone)]
pub struct KeyHasher {
    state: FixedState,
}

impl KeyHasher {
    /// A hasher with a seed that clients should not be able to guess.
    pub fn with_seed(seed: u64) -> Self {
        Self {
            state: FixedState::with_seed(seed),
        }
    }

    #[inline]
    pub(crate) fn hash(&self, key: &[u8]) -> KeyHash {
        let mut hasher = self.state.build_hasher();
        hasher.write(key);
        KeyHash(hasher.finish())
    }
}

/// The hash of a key: the low half chooses the bucket, the high half the shard.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KeyHash(u64);

impl KeyHash {
    #[inline]
    pub(crate) fn low(self) -> u32 {
        self.0 as u32
    }

    /// A number below `shards`, evenly distributed.
    #[inline]
    fn shard(self, shards: u16) -> u16 {
        (((self.0 >> 32) * u64::from(shards)) >> 32) as u16
    }
}

/// One shard's position among all.
#[derive(Debug, Clone)]
pub struct Placement {
    hasher: KeyHasher,
    shard: u16,
    shards: u16,
}

impl Placement {
    /// Shard number `shard` of `shards`.
    ///
    /// # Panics
    /// If `shard` is not below `shards`.
    pub fn new(hasher: KeyHasher, shard: u16, shards: u16) -> Self {
        assert!(shard < shards, "shard {shard} of {shards}");
        Self {
            hasher,
            shard,
            shards,
        }
    }

    /// The only shard.
    pub fn sole(hasher: KeyHasher) -> Self {
        Self::new(hasher, 0, 1)
    }

    /// This shard's number.
    pub(crate) fn shard(&self) -> u16 {
        self.shard
    }

    /// How many shards there are.
    pub(crate) fn shards(&self) -> u16 {
        self.shards
    }

    #[inline]
    pub(crate) fn hash(&self, key: &[u8]) -> KeyHash {
        self.hasher.hash(key)
    }

    /// The number of the shard that keys with this hash belong to.
    #[inline]
    pub(crate) fn owner_of(&self, hash: KeyHash) -> u16 {
        hash.shard(self.shards)
    }
}

/// The number below `shards` of the shard that `key` belongs to.
pub(crate) fn shard_of(hasher: &KeyHasher, key: &[u8], shards: u16) -> u16 {
    hasher.hash(key).shard(shards)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_shard_owns_a_key() {
        let hasher = KeyHasher::with_seed(1);
        let placements = [0, 1, 2].map(|shard| Placement::new(hasher.clone(), shard, 3));
        let mut owned = [0; 3];
        for number in 0..3000_u32 {
            let key = number.to_string();
            let shard = shard_of(&hasher, key.as_bytes(), 3);
            for placement in &placements {
                let hash = placement.hash(key.as_bytes());
                assert_eq!(placement.owner_of(hash), shard);
            }
            owned[shard as usize] += 1;
        }
        assert!(owned.iter().all(|&count| count > 850), "{owned:?}");
    }

    #[test]
    fn the_seed_decides() {
        let hashes = [1, 2].map(|seed| KeyHasher::with_seed(seed).hash(b"key").0);
        assert_ne!(hashes[0], hashes[1]);
    }
}
