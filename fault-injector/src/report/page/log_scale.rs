//! Rates on a logarithmic scale, since those of two builds may lie four powers of ten apart.

use crate::report::words::{percents, rate as rate_words};
use crate::statistics::interval::Interval;
use crate::statistics::stratified::Rate;
use std::fmt::Write;

/// Powers of ten from the left edge to the right one.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogScale {
    first: i32,
    last: i32,
}

/// The lowest power that a scale shows: no campaign resolves less.
const POWER_MIN: i32 = -9;

impl LogScale {
    /// A scale on which all these values can be read.
    pub(super) fn holding(values: impl Iterator<Item = f64>) -> Self {
        let positive = values.filter(|value| *value > 0.0);
        let (low, high) = positive.fold((1.0, 1e-3), |(low, high): (f64, f64), value| {
            (low.min(value), high.max(value))
        });
        Self {
            first: (low.log10().floor() as i32).clamp(POWER_MIN, -2),
            last: (high.log10().ceil() as i32).min(0),
        }
    }

    /// Where a value lies, in percent of the width; zero and what is too small at the left edge.
    pub(super) fn position(&self, value: f64) -> f64 {
        if value <= 0.0 {
            return 0.0;
        }
        let span = f64::from(self.last - self.first);
        let share = (value.log10() - f64::from(self.first)) / span;
        100.0 * share.clamp(0.0, 1.0)
    }

    /// A row's picture: the interval as a line, the rate as a dot. Where nothing was seen there is no
    /// dot, and the line comes in from the left.
    pub(super) fn row(&self, class: &str, build: &str, rate: &Rate, interval: Interval) -> String {
        let (left, right) = (self.position(interval.low), self.position(interval.high));
        let mut marks = self.grid();
        let _ = write!(
            marks,
            "<line class=\"whisker\" x1=\"{left:.2}%\" x2=\"{right:.2}%\" y1=\"50%\" y2=\"50%\"/>\
             <line class=\"end\" x1=\"{right:.2}%\" x2=\"{right:.2}%\" y1=\"25%\" y2=\"75%\"/>"
        );
        if rate.hits > 0 {
            let dot = self.position(rate.rate);
            let _ = write!(
                marks,
                "<line class=\"end\" x1=\"{left:.2}%\" x2=\"{left:.2}%\" y1=\"25%\" y2=\"75%\"/>\
                 <circle class=\"dot\" cx=\"{dot:.2}%\" cy=\"50%\" r=\"5\"/>"
            );
        }
        let label = format!(
            "{build}: {}, interval {}",
            rate_words(rate),
            percents(interval)
        );
        format!("<svg class=\"range {class}\" role=\"img\" aria-label=\"{label}\">{marks}</svg>")
    }

    /// The axis below the rows.
    pub(super) fn axis(&self) -> String {
        let mut labels = String::new();
        for power in self.first..=self.last {
            let anchor = match power {
                power if power == self.first => "start",
                power if power == self.last => "end",
                _ => "middle",
            };
            // Every second label has room on a narrow screen.
            let class = if (self.last - power) % 2 == 0 {
                "tick"
            } else {
                "tick odd"
            };
            let _ = write!(
                labels,
                "<text class=\"{class}\" x=\"{:.2}%\" y=\"13\" text-anchor=\"{anchor}\">{:.*}\u{a0}%</text>",
                self.position(10f64.powi(power)),
                (-power - 2).max(0) as usize,
                10f64.powi(power + 2)
            );
        }
        format!("<svg class=\"axis\" aria-hidden=\"true\">{labels}</svg>")
    }

    fn grid(&self) -> String {
        let line = |power: i32| {
            let x = self.position(10f64.powi(power));
            format!("<line class=\"grid\" x1=\"{x:.2}%\" x2=\"{x:.2}%\" y1=\"0\" y2=\"100%\"/>")
        };
        (self.first..=self.last).map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_ten_are_evenly_spread() {
        let scale = LogScale::holding([0.0, 2e-4, 0.4].into_iter());
        assert_eq!(scale.position(1e-4), 0.0);
        assert_eq!(scale.position(1e-2), 50.0);
        assert_eq!(scale.position(1.0), 100.0);
        assert_eq!(scale.position(0.0), 0.0);
    }
}
