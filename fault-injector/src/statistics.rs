//! What a campaign's counts say about the program: rates with intervals that hold.
//!
//! Faults are drawn uniformly over (request, dynamic instruction) within strata of model and code
//! zone, so a count is binomial within its stratum and strata are weighed by the faults they hold.
//!
//! 1. [`tally`] counts outcomes; [`bucket`] shows the same counts under RocksDB's names.
//! 2. [`interval`] bounds one binomial rate: Clopper-Pearson for claims, Wilson for charts, the rule
//!    of three for planning. [`quantile`] has the two quantiles that this needs.
//! 3. [`stratified`] combines the strata into one rate over the fault space.
//! 4. [`comparison`] sets plain beside hardened.
//! 5. [`stopping`] decides whether a running campaign has said enough: `--until 'sdc<1e-4@95%'`.

pub mod bucket;
pub mod comparison;
pub mod group;
pub mod interval;
pub mod order;
pub mod quantile;
pub mod stopping;
pub mod stratified;
pub mod tally;

/// The confidence of every interval in reports.
pub const CONFIDENCE: f64 = 0.95;
