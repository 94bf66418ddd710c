//! Two programs that time batches in turn: each ratio compares neighbours in time, because a shared
//! machine slows both.

use indicatif::{ProgressBar, ProgressStyle};

use crate::refusal::Refusal;

/// Rounds before those that count.
pub(super) const WARM_UP_ROUNDS: usize = 2;

/// What the rounds have shown, by medians.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Turns {
    /// Nanoseconds of an operation.
    pub(super) first_ns: f64,
    pub(super) second_ns: f64,
    /// The second's time / the first's, round by round.
    pub(super) ratio: f64,
    pub(super) ratio_min: f64,
    pub(super) ratio_max: f64,
}

impl Turns {
    /// Takes `rounds` rounds behind those that warm up; `round` returns the nanoseconds of both.
    pub(super) fn take(
        rounds: usize,
        mut round: impl FnMut() -> Result<[f64; 2], Refusal>,
    ) -> Result<Self, Refusal> {
        let (mut first_times, mut second_times, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..WARM_UP_ROUNDS + rounds {
            let [first, second] = round()?;
            if number >= WARM_UP_ROUNDS {
                first_times.push(first);
                second_times.push(second);
                ratios.push(second / first);
            }
        }
        let (ratio, ratio_min, ratio_max) = (median(&mut ratios), ratios[0], ratios[rounds - 1]);
        Ok(Self {
            first_ns: median(&mut first_times),
            second_ns: median(&mut second_times),
            ratio,
            ratio_min,
            ratio_max,
        })
    }
}

/// The median; sorts.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Shows how many of all rounds are done.
pub(super) fn progress(steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} rounds, {eta} left");
    let bar = ProgressBar::new(steps as u64);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_that_warm_up_do_not_count() {
        let mut times = [
            [1e9, 1.0],
            [1.0, 1e9],
            [10.0, 30.0],
            [20.0, 20.0],
            [40.0, 80.0],
        ]
        .into_iter();
        let turns = Turns::take(3, || Ok(times.next().unwrap())).unwrap();
        let expected = Turns {
            first_ns: 20.0,
            second_ns: 30.0,
            ratio: 2.0,
            ratio_min: 1.0,
            ratio_max: 3.0,
        };
        assert_eq!(turns, expected);
        assert!(times.next().is_none());
    }
}
