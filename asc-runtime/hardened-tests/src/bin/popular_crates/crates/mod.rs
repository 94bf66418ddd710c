//! One file per kind of crate.

mod buffers;
mod clock;
mod json;
mod maps;
mod random;
mod text;

/// Runs every exercise, or the one named.
pub(crate) fn run_each(seed: u64, count: u64, only: Option<&str>) {
    use crate::run;
    run::<buffers::Bytes>(seed, count, only);
    run::<buffers::Small>(seed, count, only);
    run::<clock::Time>(seed, count, only);
    run::<json::Json>(seed, count, only);
    run::<json::Typed>(seed, count, only);
    run::<maps::Indexed>(seed, count, only);
    run::<maps::Hashbrown>(seed, count, only);
    run::<random::Rand>(seed, count, only);
    run::<text::Expressions>(seed, count, only);
}
