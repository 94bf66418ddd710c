//! Plain beside hardened: faults that go unseen per request, and how much rarer hardening makes them.
//!
//! A hardened handler executes more instructions, so there is more to strike. A lower rate alone would
//! flatter it: what a user has is the rate times the fault space of a request.

use super::interval::Interval;
use super::stratified::Rate;
use serde::{Deserialize, Serialize};

/// Of all faults that can strike a request, how many would go unseen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PerRequest {
    /// Faults that can strike one request.
    pub points: f64,
    /// Those that would go unseen.
    pub undetected: f64,
    /// Their interval.
    pub interval: Interval,
}

impl PerRequest {
    /// The rate times the fault space of one request.
    pub fn new(rate: &Rate, requests: u32) -> Self {
        let points = rate.points as f64 / f64::from(requests.max(1));
        Self {
            points,
            undetected: rate.rate * points,
            interval: rate.interval.scaled(points),
        }
    }
}

/// How many times smaller the second value is than the first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    /// The estimate; none where the second value is zero.
    pub estimate: Option<f64>,
    /// At least this much.
    pub low: f64,
    /// At most this much; none where nothing bounds it.
    pub high: Option<f64>,
}

impl Factor {
    /// The factor between two values with an interval each. Where both hold their value at once with
    /// some confidence, the factor holds with the same; see [`joint_confidence`].
    pub fn new(first: (f64, Interval), second: (f64, Interval)) -> Self {
        let divided = |a: f64, b: f64| (b > 0.0).then(|| a / b);
        Self {
            estimate: divided(first.0, second.0),
            low: divided(first.1.low, second.1.high).unwrap_or(0.0),
            high: divided(first.1.high, second.1.low),
        }
    }
}

/// The confidence that each of two intervals needs for both to hold at once with `confidence`
/// (Bonferroni).
pub fn joint_confidence(confidence: f64) -> f64 {
    1.0 - (1.0 - confidence) / 2.0
}
