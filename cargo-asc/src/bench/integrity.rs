//! `cargo asc bench integrity`: the cache's handler under line codes against the same on ECC memory.
//!
//! 1. The `measure` program of the `asc-benches` package is built hardened, with both kinds of integrity.
//! 2. Both set up the same workload and then time batches in turn.
//! 3. Then the scrubber ([`scrubber`]).

use std::ffi::OsString;
use std::path::Path;

use clap::Parser;
use serde::Serialize;

use super::contestant::Contestant;
use super::program::Program;
use super::scrubber;
use super::turns::{Turns, WARM_UP_ROUNDS, progress};
use crate::integrity::Integrity;
use crate::refusal::Refusal;

const PROGRAM: Program = Program {
    package: "asc-benches",
    name: "measure",
};

/// Compares the cache's handler under line codes with the same on ECC memory, in one interleaved run
#[derive(Debug, Parser)]
#[command(name = "cargo asc bench integrity")]
struct Options {
    /// Print one JSON object per workload on standard output
    #[arg(long)]
    json: bool,
    /// Pairs of batches per workload
    #[arg(long, default_value_t = 31, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Length of a line, a power of two from 64 to 4096
    #[arg(long, default_value_t = 128)]
    line_bytes: u64,
}

/// Bytes of a value, and operations per batch.
const WORKLOADS: [(&str, usize); 3] = [("128", 60_000), ("1024", 40_000), ("4096", 20_000)];

/// One line of the result.
#[derive(Debug, Serialize)]
struct Comparison {
    value_bytes: &'static str,
    line_bytes: u64,
    ecc_ns: f64,
    crc_ns: f64,
    /// Median over the rounds of CRC time / ECC time.
    ratio: f64,
    ratio_min: f64,
    ratio_max: f64,
    /// Memory of the codes as a share of what they protect.
    memory_share: f64,
    rounds: usize,
}

/// Builds, measures and reports.
pub(crate) fn run(arguments: &[OsString]) -> Result<u8, Refusal> {
    let words = [OsString::from("integrity")]
        .into_iter()
        .chain(arguments.iter().cloned());
    let options = Options::parse_from(words);
    let ecc = PROGRAM.build_hardened(Integrity::Ecc, &[])?;
    let crc = PROGRAM.build_hardened(Integrity::Crc, &[])?;
    let batches =
        (WORKLOADS.len() + scrubber::RATES.len()) * (usize::from(options.rounds) + WARM_UP_ROUNDS);
    let bar = progress(batches);
    if !options.json {
        println!("value bytes     ecc ns     crc ns   ratio   (min .. max)   memory");
    }
    for workload in WORKLOADS {
        let comparison = compare(&ecc, &crc, workload, &options, || bar.inc(1))?;
        bar.suspend(|| report(&comparison, options.json));
    }
    if !options.json {
        bar.suspend(scrubber::title);
    }
    for rate in scrubber::RATES {
        let scrubbing = scrubber::compare(&crc, rate, options.rounds.into(), || bar.inc(1))?;
        bar.suspend(|| scrubbing.report(options.json));
    }
    bar.finish_and_clear();
    Ok(0)
}

fn compare(
    ecc: &Path,
    crc: &Path,
    (value_bytes, operations): (&'static str, usize),
    options: &Options,
    step: impl Fn(),
) -> Result<Comparison, Refusal> {
    let rounds = usize::from(options.rounds);
    let workload = ["cache", value_bytes];
    let settings = [("ASC_LINE_BYTES", options.line_bytes.to_string())];
    let mut ecc = Contestant::start(ecc, &workload, "hardened")?;
    let mut crc = Contestant::start_with(crc, &workload, "hardened", &settings)?;
    let turns = Turns::take(rounds, || {
        let (first, second) = (ecc.run(operations)?, crc.run(operations)?);
        step();
        Ok([first.nanoseconds, second.nanoseconds])
    })?;
    Ok(Comparison {
        value_bytes,
        line_bytes: options.line_bytes,
        ecc_ns: turns.first_ns,
        crc_ns: turns.second_ns,
        ratio: turns.ratio,
        ratio_min: turns.ratio_min,
        ratio_max: turns.ratio_max,
        memory_share: crc.memory_share(),
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
        value_bytes,
        ecc_ns,
        crc_ns,
        ratio,
        ratio_min,
        ratio_max,
        memory_share,
        ..
    } = comparison;
    println!(
        "{value_bytes:>11} {ecc_ns:>10.1} {crc_ns:>10.1} {ratio:>7.3}   \
         ({ratio_min:.3} .. {ratio_max:.3}) {:>6.2} %",
        memory_share * 100.0
    );
}
