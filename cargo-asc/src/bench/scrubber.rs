//! The scrubber at work: how fast it passes over 1 GiB of protected memory, and what it costs handlers.
//!
//! Two programs with line codes, one of them with the scrubber, time batches in turn. The one with the
//! scrubber is paused while the other runs: its thread would disturb both alike.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::contestant::{Batch, Contestant};
use super::turns::Turns;
use crate::refusal::Refusal;

/// What is asked for, in MiB per second; the last is more than one processor verifies.
pub(super) const RATES: [u64; 3] = [64, 512, 8192];

const VALUE_BYTES: &str = "128";
/// Memory that no request touches.
const REST_MIB: &str = "1024";
/// Operations of a batch: about a quarter of a second.
const OPERATIONS: usize = 300_000;
const MIB: f64 = (1 << 20) as f64;

/// One line of the result.
#[derive(Debug, Serialize)]
pub(super) struct Scrubbing {
    scrub_mib_per_second: u64,
    /// What was reached while the handlers ran.
    reached_mib_per_second: f64,
    /// Time of a pass over 1 GiB at that rate.
    seconds_per_gib: f64,
    idle_ns: f64,
    scrubbed_ns: f64,
    /// Median over the rounds of the time with the scrubber / without.
    ratio: f64,
    ratio_min: f64,
    ratio_max: f64,
    rounds: usize,
}

/// Measures one rate, in so many rounds.
pub(super) fn compare(
    crc: &Path,
    rate: u64,
    rounds: usize,
    step: impl Fn(),
) -> Result<Scrubbing, Refusal> {
    let start = |rate: u64| {
        let workload = ["cache", VALUE_BYTES, REST_MIB];
        let settings = [("ASC_SCRUB_MIB_PER_SECOND", rate.to_string())];
        Contestant::start_with(crc, &workload, "hardened", &settings)
    };
    let mut idle = start(0)?;
    let mut scrubbed = start(rate)?;
    scrubbed.pause()?;
    let (mut before, mut scrubbed_bytes, mut awake) = (None, 0, Duration::ZERO);
    let turns = Turns::take(rounds, || {
        let first = idle.run(OPERATIONS)?;
        let (second, took) = run_awake(&mut scrubbed)?;
        step();
        // What was done before the first batch ended was done while the program was set up, too.
        match before {
            None => before = Some(second.scrubbed_bytes),
            Some(before) => {
                scrubbed_bytes = second.scrubbed_bytes.saturating_sub(before);
                awake += took;
            }
        }
        Ok([first.nanoseconds, second.nanoseconds])
    })?;
    let reached = scrubbed_bytes as f64 / MIB / awake.as_secs_f64();
    Ok(Scrubbing {
        scrub_mib_per_second: rate,
        reached_mib_per_second: reached,
        seconds_per_gib: 1024.0 / reached,
        idle_ns: turns.first_ns,
        scrubbed_ns: turns.second_ns,
        ratio: turns.ratio,
        ratio_min: turns.ratio_min,
        ratio_max: turns.ratio_max,
        rounds,
    })
}

/// Lets a paused program run one batch; says how long it was awake.
fn run_awake(contestant: &mut Contestant) -> Result<(Batch, Duration), Refusal> {
    let start = Instant::now();
    contestant.resume()?;
    let batch = contestant.run(OPERATIONS)?;
    contestant.pause()?;
    Ok((batch, start.elapsed()))
}

/// The columns of [`Scrubbing::report`].
pub(super) fn title() {
    println!("scrub MiB/s    reached   s per GiB   idle ns   busy ns   ratio   (min .. max)");
}

impl Scrubbing {
    /// Prints it.
    pub(super) fn report(&self, json: bool) {
        if json {
            let line = serde_json::to_string(self).expect("plain numbers always serialise");
            println!("{line}");
            return;
        }
        println!(
            "{:>11} {:>10.0} {:>11.2} {:>9.1} {:>9.1} {:>7.3}   ({:.3} .. {:.3})",
            self.scrub_mib_per_second,
            self.reached_mib_per_second,
            self.seconds_per_gib,
            self.idle_ns,
            self.scrubbed_ns,
            self.ratio,
            self.ratio_min,
            self.ratio_max
        );
    }
}
