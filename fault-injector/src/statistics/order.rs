//! Order statistics of counts, for what has no distribution to assume.

use serde::{Deserialize, Serialize};

/// Upper ends of the classes of a histogram of counts; the last class has none.
pub const CLASSES: [u64; 5] = [10, 100, 1_000, 10_000, 100_000];

/// Counts, summed up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// How many.
    pub count: u64,
    /// The smallest.
    pub least: u64,
    /// Half of them are at most this.
    pub median: u64,
    /// Nine of ten are at most this.
    pub p90: u64,
    /// 99 of 100 are at most this.
    pub p99: u64,
    /// The largest.
    pub most: u64,
    /// By [`CLASSES`].
    pub classes: [u64; CLASSES.len() + 1],
}

impl Order {
    /// Sums counts up. `None` if there are none.
    pub fn of(counts: &[u64]) -> Option<Self> {
        let mut sorted = counts.to_vec();
        sorted.sort_unstable();
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        // The smallest value that so many per cent do not exceed.
        let quantile = |percent: usize| sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1];
        let mut classes = [0; CLASSES.len() + 1];
        for count in &sorted {
            let class = CLASSES.iter().position(|end| count <= end);
            classes[class.unwrap_or(CLASSES.len())] += 1;
        }
        Some(Self {
            count: sorted.len() as u64,
            least,
            median: quantile(50),
            p90: quantile(90),
            p99: quantile(99),
            most,
            classes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_seen() {
        assert_eq!(Order::of(&[]), None);
        let one = Order::of(&[7]).unwrap();
        assert_eq!((one.least, one.median, one.p99, one.most), (7, 7, 7, 7));
        let counts: Vec<u64> = (1..=1000).rev().collect();
        let order = Order::of(&counts).unwrap();
        assert_eq!((order.median, order.p90, order.p99), (500, 900, 990));
        assert_eq!(order.classes, [10, 90, 900, 0, 0, 0]);
        let largest = Order::of(&[1_000_000]).unwrap();
        assert_eq!(largest.classes[CLASSES.len()], 1);
    }
}
