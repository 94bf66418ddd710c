//! One word that stands for a state.

use std::hash::{DefaultHasher, Hash, Hasher};

/// SipHash with fixed keys over anything that can be hashed.
pub fn digest(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The same for collections whose order is not part of their value.
pub fn unordered_digest<T: Hash>(values: impl IntoIterator<Item = T>) -> u64 {
    values
        .into_iter()
        .fold(0, |sum, value| sum.wrapping_add(digest(&value)))
}
