//! Seeded bit-flip campaigns against handler binaries, plain and hardened.

pub mod results;
