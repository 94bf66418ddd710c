//! Intervals for one binomial rate.
//!
//! Sources: C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in
//! the case of the binomial", Biometrika 26 (1934); E. B. Wilson, "Probable inference, the law of
//! succession, and statistical inference", JASA 22 (1927); J. A. Hanley and A. Lippman-Hand, "If
//! nothing goes wrong, is everything all right?", JAMA 249 (1983).

use super::quantile;
use serde::{Deserialize, Serialize};

/// The rates that agree with what was seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

impl Interval {
    /// What is known before anything was seen.
    pub const UNKNOWN: Self = Self {
        low: 0.0,
        high: 1.0,
    };

    /// Whether the rate agrees with what was seen.
    pub fn contains(&self, rate: f64) -> bool {
        self.low <= rate && rate <= self.high
    }

    /// Both ends times a factor that is not negative.
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            low: self.low * factor,
            high: self.high * factor,
        }
    }
}

/// The exact interval: whatever the true rate is, it lies inside in at least the share `confidence`
/// of campaigns. `successes` of `trials` were seen.
///
/// # Panics
///
/// If there are more successes than trials or the confidence does not lie between 0 and 1.
pub fn clopper_pearson(successes: u64, trials: u64, confidence: f64) -> Interval {
    check(successes, trials, confidence);
    let tail = (1.0 - confidence) / 2.0;
    let (k, n) = (successes as f64, trials as f64);
    let low = match successes {
        0 => 0.0,
        _ => quantile::beta(tail, k, n - k + 1.0).low,
    };
    let high = match trials - successes {
        0 => 1.0,
        // The upper limit of the rate is the lower limit of its complement. The smaller of the two
        // is computed, where the digits are.
        _ if k <= n / 2.0 => quantile::beta(1.0 - tail, k + 1.0, n - k).high,
        _ => 1.0 - quantile::beta(tail, n - k, k + 1.0).low,
    };
    Interval { low, high }
}

/// Wilson's score interval: shorter, right on average but not always. For charts.
///
/// # Panics
///
/// As [`clopper_pearson`].
pub fn wilson(successes: u64, trials: u64, confidence: f64) -> Interval {
    check(successes, trials, confidence);
    if trials == 0 {
        return Interval::UNKNOWN;
    }
    let (n, rate) = (trials as f64, successes as f64 / trials as f64);
    let z = normal_quantile(confidence);
    let weight = 1.0 + z * z / n;
    let center = (rate + z * z / (2.0 * n)) / weight;
    let half = z / weight * (rate * (1.0 - rate) / n + z * z / (4.0 * n * n)).sqrt();
    // Rounding must not move the ends off 0 and 1.
    let low = if successes == 0 { 0.0 } else { center - half };
    let high = if successes == trials {
        1.0
    } else {
        center + half
    };
    Interval { low, high }
}

/// The largest rate that agrees with no success in so many trials, at 95 % one-sided: about 3 / n.
pub fn rule_of_three(trials: u64) -> f64 {
    match trials {
        0 => 1.0,
        _ => (3.0 / trials as f64).min(1.0),
    }
}

/// Trials without a success after which the upper Clopper-Pearson limit is below `limit`.
pub fn trials_at_zero(limit: f64, confidence: f64) -> u64 {
    let tail = (1.0 - confidence) / 2.0;
    (tail.ln() / (-limit).ln_1p()).floor() as u64 + 1
}

/// The z with the share `confidence` of the normal distribution between -z and z: the square of a
/// normal variable is gamma distributed with shape 1/2 and scale 2.
fn normal_quantile(confidence: f64) -> f64 {
    (2.0 * quantile::gamma(confidence, 0.5).high).sqrt()
}

fn check(successes: u64, trials: u64, confidence: f64) {
    assert!(
        successes <= trials,
        "at most {trials} successes were wanted, not {successes}"
    );
    assert!(
        confidence > 0.0 && confidence < 1.0,
        "a confidence between 0 and 1 was wanted, not {confidence}"
    );
}
