//! One rate over the whole fault space, from strata that were sampled unequally.
//!
//! The estimate weighs each stratum's rate by the share of the faults it holds. The interval is that of
//! M. P. Fay and E. J. Feuer, "Confidence intervals for directly standardized rates: a method based on
//! the gamma distribution", Statistics in Medicine 16 (1997): made for weighted sums of rare counts,
//! never below nominal coverage in their simulations or in this crate's, and at zero counts provably so,
//! because exp(-sum of means) bounds the probability of seeing none. It treats counts as Poisson, which
//! vary more than binomial ones, so it only errs to the wide side. With a single stratum it is the exact
//! interval of Clopper and Pearson.
//!
//! A stratum that holds faults but was not struck yet may have any rate: it widens the interval by its
//! whole weight.

use super::interval::{self, Interval};
use super::quantile;
use serde::{Deserialize, Serialize};

/// One stratum as it was sampled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sample {
    /// Faults that the stratum holds.
    pub points: u64,
    /// Faults that were injected.
    pub injections: u64,
    /// How many of those count.
    pub hits: u64,
}

impl Sample {
    /// Two strata that were sampled as one.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            points: self.points + other.points,
            injections: self.injections + other.injections,
            hits: self.hits + other.hits,
        }
    }
}

/// A rate over a fault space.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Injections with the outcome.
    pub hits: u64,
    /// All injections.
    pub injections: u64,
    /// Faults in the fault space.
    pub points: u64,
    /// The weighted rate over the part of the fault space that was struck.
    pub rate: f64,
    /// The rates over the whole fault space that agree with what was seen.
    pub interval: Interval,
}

/// Combines the strata.
///
/// # Panics
///
/// If a stratum has more hits than injections.
pub fn rate(samples: &[Sample], confidence: f64) -> Rate {
    let points = samples.iter().map(|sample| sample.points).sum();
    let struck: Vec<Sample> = samples
        .iter()
        .copied()
        .filter(|sample| sample.injections > 0 && sample.points > 0)
        .collect();
    let points_struck: u64 = struck.iter().map(|sample| sample.points).sum();
    let covered = match points {
        0 => 0.0,
        _ => points_struck as f64 / points as f64,
    };
    let (rate, inside) = match struck[..] {
        [] => (0.0, Interval::UNKNOWN),
        [only] => (
            only.hits as f64 / only.injections as f64,
            interval::clopper_pearson(only.hits, only.injections, confidence),
        ),
        _ => weighted(&struck, points_struck as f64, confidence),
    };
    Rate {
        hits: struck.iter().map(|sample| sample.hits).sum(),
        injections: struck.iter().map(|sample| sample.injections).sum(),
        points,
        rate,
        interval: Interval {
            low: inside.low * covered,
            high: (inside.high * covered + (1.0 - covered)).min(1.0),
        },
    }
}

/// Fay and Feuer's estimate and interval. `y` is the weighted sum of counts, `v` its variance, and one
/// more hit of the largest weight is what the upper limit allows for.
fn weighted(samples: &[Sample], points: f64, confidence: f64) -> (f64, Interval) {
    let (mut y, mut v, mut weight_max) = (0.0, 0.0, 0f64);
    for sample in samples {
        assert!(
            sample.hits <= sample.injections,
            "a stratum has more hits than injections: {sample:?}"
        );
        let weight = sample.points as f64 / points / sample.injections as f64;
        y += weight * sample.hits as f64;
        v += weight * weight * sample.hits as f64;
        weight_max = weight_max.max(weight);
    }
    let tail = (1.0 - confidence) / 2.0;
    let low = if y > 0.0 {
        v / y * quantile::gamma(tail, y * y / v).low
    } else {
        0.0
    };
    let (y_more, v_more) = (y + weight_max, v + weight_max * weight_max);
    let high = v_more / y_more * quantile::gamma(1.0 - tail, y_more * y_more / v_more).high;
    let interval = Interval {
        low,
        high: high.min(1.0),
    };
    (y, interval)
}
