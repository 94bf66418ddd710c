//! How far a command is, on standard error.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const PERIOD: Duration = Duration::from_millis(200);

/// A bar over a known number of injections, with rate and remaining time.
pub fn injections(count: u64) -> ProgressBar {
    let bar = ProgressBar::new(count);
    let style =
        ProgressStyle::with_template("{wide_bar} {pos}/{len} injections, {per_sec}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// Work of unknown length.
pub fn preparation() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(PERIOD);
    bar
}
