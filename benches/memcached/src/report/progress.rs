//! How far the rounds are.

use indicatif::{ProgressBar, ProgressStyle};

use crate::comparison::Case;
use crate::options::Options;

/// A bar on standard error.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(options: &Options) -> Self {
        let cases = options.threads.len() * options.value_bytes.len() * options.patterns.len();
        let rounds = cases * (usize::from(options.rounds) + 1);
        let bar = ProgressBar::new(rounds as u64);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} rounds, {eta} left  {msg}");
        Self(match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        })
    }

    /// A round is over.
    pub(crate) fn advance(&self, case: Case, counts: bool) {
        let Case {
            threads,
            pattern,
            value_bytes,
        } = case;
        let name = pattern.name();
        let disturbed = if counts { "" } else { ", disturbed" };
        self.0
            .set_message(format!("-t {threads}, {value_bytes} B, {name}{disturbed}"));
        self.0.inc(u64::from(counts));
    }

    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
