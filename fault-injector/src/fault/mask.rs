//! Which bits of a place flip.

use clap::ValueEnum;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Longest burst.
const BURST_BITS_MAX: u32 = 8;

/// How many bits a fault flips.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaskKind {
    /// One.
    #[default]
    Single,
    /// Two, anywhere in the place.
    Double,
    /// Two to eight neighbours.
    Burst,
}

impl MaskKind {
    /// Its name in files and options.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Double => "double",
            Self::Burst => "burst",
        }
    }

    /// Draws a mask within the lowest `bits` bits.
    pub fn draw(self, bits: u32, random: &mut ChaCha8Rng) -> u64 {
        let bit = 1 << random.random_range(0..bits);
        match self {
            Self::Single => bit,
            _ if bits == 1 => bit,
            Self::Double => loop {
                let other = 1 << random.random_range(0..bits);
                if other != bit {
                    break bit | other;
                }
            },
            Self::Burst => {
                let length = random.random_range(2..=BURST_BITS_MAX.min(bits));
                let lowest = random.random_range(0..=bits - length);
                (u64::MAX >> (64 - length)) << lowest
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::random_of;

    #[test]
    fn names_are_those_of_files_and_options() {
        for kind in [MaskKind::Single, MaskKind::Double, MaskKind::Burst] {
            let in_file = serde_json::to_value(kind).unwrap();
            assert_eq!(in_file, kind.name());
            assert_eq!(MaskKind::from_str(kind.name(), false), Ok(kind));
        }
    }

    #[test]
    fn masks_stay_within_their_place() {
        for bits in [1, 2, 8, 32, 64] {
            for id in 0..200 {
                let draw = |kind: MaskKind| kind.draw(bits, &mut random_of(1, id));
                let limit = u64::MAX >> (64 - bits);
                let masks = [MaskKind::Single, MaskKind::Double, MaskKind::Burst].map(draw);
                assert!(masks.iter().all(|mask| mask & !limit == 0 && *mask != 0));
                assert_eq!(masks[0].count_ones(), 1);
                if bits > 1 {
                    assert_eq!(masks[1].count_ones(), 2);
                    let burst = masks[2] >> masks[2].trailing_zeros();
                    assert!((2..=8).contains(&burst.count_ones()) && (burst & (burst + 1)) == 0);
                }
            }
        }
    }
}
