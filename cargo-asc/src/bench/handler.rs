//! `cargo asc bench handler`: the cache's handler, plain against hardened.
//!
//! 1. The `measure` program of the `asc-benches` package is built both ways.
//! 2. Both set up the same workload and then time batches in turn, so that each
//!    ratio compares neighbours in time; a shared machine slows both.
//! 3. The median of the ratios is reported with its spread.

use std::ffi::OsString;
use std::path::Path;

use clap::Parser;
use indicatif::ProgressBar;
use serde::Serialize;

use super::contestant::Contestant;
use super::program::Program;
use super::turns::{Turns, WARM_UP_ROUNDS, progress};
use crate::integrity::Integrity;
use crate::refusal::Refusal;

const PROGRAM: Program = Program {
    package: "asc-benches",
    name: "measure",
};

/// Compares the cache's handler, plain and hardened, in one interleaved run
#[derive(Debug, Parser)]
#[command(name = "cargo asc bench handler")]
struct Options {
    /// Print one JSON object per workload on standard output
    #[arg(long)]
    json: bool,
    /// Pairs of batches per workload
    #[arg(long, default_value_t = 31, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
}

/// Arguments of the program, and operations per batch: about 20 ms.
const WORKLOADS: [(&[&str], usize); 4] = [
    (&["cache", "128"], 60_000),
    (&["cache", "1024"], 40_000),
    (&["cache", "4096"], 20_000),
    (&["outside"], 200),
];

/// One line of the result.
#[derive(Debug, Serialize)]
struct Comparison {
    workload: &'static str,
    /// 0 where values have no part in the workload.
    value_bytes: u64,
    plain_ns: f64,
    hardened_ns: f64,
    /// Median over the rounds of hardened time / plain time.
    ratio: f64,
    ratio_min: f64,
    ratio_max: f64,
    /// Largest undo and event log of one handler.
    log_bytes_max: u64,
    rounds: usize,
}

/// Builds, measures and reports.
pub(crate) fn run(arguments: &[OsString]) -> Result<u8, Refusal> {
    let words = [OsString::from("handler")]
        .into_iter()
        .chain(arguments.iter().cloned());
    let options = Options::parse_from(words);
    let plain = PROGRAM.build_plain(&[])?;
    let hardened = PROGRAM.build_hardened(Integrity::of_environment()?, &[])?;
    let rounds = usize::from(options.rounds);
    let progress = progress(WORKLOADS.len() * (rounds + WARM_UP_ROUNDS));
    if !options.json {
        println!(
            "workload  value bytes   plain ns  hardened ns   ratio   (min .. max)   log bytes"
        );
    }
    for (workload, operations) in WORKLOADS {
        let comparison = compare(&plain, &hardened, workload, operations, rounds, &progress)?;
        progress.suspend(|| report(&comparison, options.json));
    }
    progress.finish_and_clear();
    Ok(0)
}

fn compare(
    plain: &Path,
    hardened: &Path,
    workload: &'static [&'static str],
    operations: usize,
    rounds: usize,
    progress: &ProgressBar,
) -> Result<Comparison, Refusal> {
    let mut plain = Contestant::start(plain, workload, "plain")?;
    let mut hardened = Contestant::start(hardened, workload, "hardened")?;
    let mut log_bytes_max = 0;
    let turns = Turns::take(rounds, || {
        let (first, second) = (plain.run(operations)?, hardened.run(operations)?);
        progress.inc(1);
        log_bytes_max = second.log_bytes;
        Ok([first.nanoseconds, second.nanoseconds])
    })?;
    Ok(Comparison {
        workload: workload[0],
        value_bytes: workload
            .get(1)
            .and_then(|bytes| bytes.parse().ok())
            .unwrap_or(0),
        plain_ns: turns.first_ns,
        hardened_ns: turns.second_ns,
        ratio: turns.ratio,
        ratio_min: turns.ratio_min,
        ratio_max: turns.ratio_max,
        log_bytes_max,
        rounds,
    })
}

fn report(comparison: &Comparison, json: bool) {
    if json {
        let line = serde_json::to_string(comparison).expect("plain numbers always serialise");
        println!("{line}");
        return;
    }
    let Comparison {
        workload,
        value_bytes,
        plain_ns,
        hardened_ns,
        ratio,
        ratio_min,
        ratio_max,
        log_bytes_max,
        ..
    } = comparison;
    println!(
        "{workload:<9} {value_bytes:>11} {plain_ns:>10.1} {hardened_ns:>12.1} {ratio:>7.3}   \
         ({ratio_min:.3} .. {ratio_max:.3}) {log_bytes_max:>9}"
    );
}
