//! Medians and ratios.
//!
//! A ratio is taken within a round, between neighbours in time; what is reported is the median of
//! the rounds' ratios, and the smallest and the largest.

use serde::Serialize;

use crate::comparison::{Rounds, Sample};
use crate::load;
use crate::options::Options;
use crate::workload::Pattern;

/// Besides the first, the server that the others are compared with.
const SECOND_REFERENCE: &str = "plain";

/// All results.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// In the order of the command line.
    pub(crate) servers: Vec<String>,
    pub(crate) connections: u16,
    pub(crate) keys: u32,
    pub(crate) rounds_wanted: u16,
    pub(crate) seconds_per_round: f64,
    pub(crate) foreign_max: f64,
    pub(crate) rows: Vec<Row>,
    pub(crate) memory: Vec<MemoryRow>,
    pub(crate) memcaslap: Vec<MemcaslapRow>,
}

/// One server under one load.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) threads: u16,
    pub(crate) pattern: Pattern,
    pub(crate) value_bytes: u32,
    pub(crate) server: String,
    /// Rounds that count, and disturbed ones that do not.
    pub(crate) rounds: usize,
    pub(crate) rounds_discarded: usize,
    pub(crate) operations_per_second: Spread,
    /// Processor seconds of the server per million operations; of these, in user mode.
    pub(crate) server_seconds_per_million: Spread,
    pub(crate) user_seconds_per_million: f64,
    /// Processors that the server kept busy: 1 is all of one.
    pub(crate) server_processors: f64,
    pub(crate) p50_microseconds: f64,
    pub(crate) p99_microseconds: f64,
    pub(crate) p999_microseconds: f64,
    pub(crate) ratios: Vec<Ratio>,
}

/// A server against another one.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Ratio {
    pub(crate) to: String,
    pub(crate) throughput: Spread,
    pub(crate) server_seconds: Spread,
}

/// Median, smallest and largest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// What many items occupy.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct MemoryRow {
    pub(crate) server: String,
    pub(crate) value_bytes: u32,
    pub(crate) items: u32,
    /// Main memory before the first item, and what all items add.
    pub(crate) empty_bytes: u64,
    pub(crate) added_bytes: u64,
    pub(crate) bytes_per_item: f64,
    /// Of the added bytes to those of the first server.
    pub(crate) ratio: f64,
}

/// What memcaslap says.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct MemcaslapRow {
    pub(crate) server: String,
    pub(crate) value_bytes: u32,
    pub(crate) operations_per_second: Spread,
    pub(crate) ratio: Spread,
}

impl Spread {
    /// Of at least one value.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[middle - 1], values[middle])
        } else {
            values[middle]
        };
        Some(Self { median, min, max })
    }
}

impl Summary {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            servers: options.servers.iter().map(|it| it.name.clone()).collect(),
            connections: options.connections,
            keys: options.keys,
            rounds_wanted: options.rounds,
            seconds_per_round: options.seconds,
            foreign_max: options.foreign_max,
            rows: Vec::new(),
            memory: Vec::new(),
            memcaslap: Vec::new(),
        }
    }

    /// Servers that the others are compared with, as indices.
    pub(crate) fn references(&self) -> Vec<usize> {
        let second = self.servers.iter().position(|it| it == SECOND_REFERENCE);
        let second = second.filter(|index| *index != 0);
        std::iter::once(0).chain(second).collect()
    }

    /// Adds a row for each server. Without a clean round there is nothing to say.
    pub(crate) fn add(&mut self, rounds: Rounds) {
        if rounds.clean.is_empty() {
            eprintln!(
                "{} of {} B with -t {}: all {} rounds were disturbed; free the machine or raise --foreign-max",
                rounds.case.pattern.name(),
                rounds.case.value_bytes,
                rounds.case.threads,
                rounds.discarded
            );
            return;
        }
        for server in 0..self.servers.len() {
            let row = self.row(&rounds, server);
            self.rows.extend(row);
        }
    }

    fn row(&self, rounds: &Rounds, server: usize) -> Option<Row> {
        let samples = || rounds.clean.iter().map(|round| &round[server]);
        let mut latency = load::latencies();
        for sample in samples() {
            latency += &sample.exchanged.latency;
        }
        let quantile = |quantile| latency.value_at_quantile(quantile) as f64 / 1e3;
        let busy = |sample: &Sample| sample.usage.server / sample.exchanged.seconds;
        let ratios = self.references().into_iter();
        Some(Row {
            threads: rounds.case.threads,
            pattern: rounds.case.pattern,
            value_bytes: rounds.case.value_bytes,
            server: self.servers[server].clone(),
            rounds: rounds.clean.len(),
            rounds_discarded: rounds.discarded,
            operations_per_second: Spread::of(samples().map(Sample::operations_per_second))?,
            server_seconds_per_million: Spread::of(samples().map(Sample::server_seconds))?,
            user_seconds_per_million: Spread::of(samples().map(Sample::user_seconds))?.median,
            server_processors: Spread::of(samples().map(busy))?.median,
            p50_microseconds: quantile(0.5),
            p99_microseconds: quantile(0.99),
            p999_microseconds: quantile(0.999),
            ratios: ratios
                .filter_map(|reference| self.ratio(rounds, server, reference))
                .collect(),
        })
    }

    fn ratio(&self, rounds: &Rounds, server: usize, reference: usize) -> Option<Ratio> {
        let within = |quantity: fn(&Sample) -> f64| {
            let ratio =
                |round: &Vec<Sample>| quantity(&round[server]) / quantity(&round[reference]);
            Spread::of(rounds.clean.iter().map(ratio))
        };
        Some(Ratio {
            to: self.servers[reference].clone(),
            throughput: within(Sample::operations_per_second)?,
            server_seconds: within(Sample::server_seconds)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::Case;
    use crate::load::Exchanged;
    use crate::machine::Usage;
    use clap::Parser as _;

    fn sample(operations: u64, server: f64) -> Sample {
        let mut latency = load::latencies();
        latency.saturating_record(5000);
        Sample {
            exchanged: Exchanged {
                operations,
                seconds: 2.0,
                latency,
            },
            usage: Usage {
                server,
                server_user: server / 4.0,
                foreign: 0.0,
            },
        }
    }

    #[test]
    fn ratios_are_taken_within_rounds() {
        let words = ["x", "--server", "stock=a", "--server", "plain=b"];
        let mut summary = Summary::new(&Options::parse_from(words));
        let case = Case {
            threads: 1,
            pattern: Pattern::Multiget,
            value_bytes: 8,
        };
        // The machine is half as fast in the second round.
        let clean = vec![
            vec![sample(1_000_000, 1.0), sample(2_000_000, 1.0)],
            vec![sample(500_000, 1.0), sample(1_000_000, 1.0)],
        ];
        summary.add(Rounds {
            case,
            clean,
            discarded: 1,
        });
        let row = &summary.rows[1];
        assert_eq!((row.rounds, row.rounds_discarded), (2, 1));
        assert_eq!(row.operations_per_second.median, 750_000.0);
        assert_eq!(row.server_seconds_per_million.median, 0.75);
        assert_eq!(row.server_processors, 0.5);
        assert_eq!(row.ratios[0].to, "stock");
        let (throughput, seconds) = (row.ratios[0].throughput, row.ratios[0].server_seconds);
        assert_eq!((throughput.min, throughput.max), (2.0, 2.0));
        assert_eq!((seconds.min, seconds.max), (0.5, 0.5));
        assert_eq!(row.ratios[1].throughput.median, 1.0);
        assert!((4.9..5.1).contains(&row.p50_microseconds));
    }

    #[test]
    fn the_spread_names_middle_and_ends() {
        assert_eq!(Spread::of([]), None);
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0]);
        let expected = Spread {
            median: 2.5,
            min: 1.0,
            max: 4.0,
        };
        assert_eq!(spread, Some(expected));
        assert_eq!(Spread::of([5.0]).map(|spread| spread.median), Some(5.0));
    }

    #[test]
    fn without_clean_rounds_there_is_no_row() {
        let mut summary = Summary::new(&Options::parse_from(["x", "--server", "stock=a"]));
        summary.add(Rounds {
            case: Case {
                threads: 1,
                pattern: Pattern::Pipelined,
                value_bytes: 8,
            },
            clean: Vec::new(),
            discarded: 3,
        });
        assert!(summary.rows.is_empty());
    }
}
