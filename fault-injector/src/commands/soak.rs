//! `asc-inject soak`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::ci::parse_duration;
use super::options::{Models, parse_models};
use super::{EXIT_ABOVE_LIMIT, progress};
use crate::failure::Result;
use crate::live::server::Setup;
use crate::program::{self, Build};
use crate::soak::aim::Aim;
use crate::soak::tally::{GROWTH_BYTES_MAX, Tally};
use crate::soak::{self, MEASURED_MIN, Settings};

/// Small items and little memory, so that two shards fit and items are evicted soon.
const ARGUMENTS: [&str; 6] = ["-m", "16", "-I", "16k", "-c", "500"];
/// How a struck handler goes on.
const ON_FAULT: [&str; 2] = ["--on-fault", "retry(3)"];

/// Which server, how it is struck, and for how long.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The server: package `asc-<TARGET>` of this workspace is built and struck
    #[arg(long)]
    target: String,
    /// How it is built: `plain` by cargo, `hardened` by `cargo asc`, `crc` by `cargo asc --integrity crc`
    #[arg(long, value_enum)]
    build: Build,
    /// Strike this server instead of building one; --target and --build then only name it
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// How long, such as 20s or 10m
    #[arg(long, default_value = "10m", value_parser = parse_duration)]
    time: Duration,
    /// Strikes per second of a burst: six seconds, with four of calm behind them; fewer where calls are long. 0 for none
    #[arg(long, value_name = "RATE", default_value_t = 10.0, value_parser = parse_rate)]
    strikes_per_second: f64,
    /// Fault models and groups of them, separated by commas, of those that strike one instruction
    #[arg(long, default_value = "transient", value_parser = parse_models)]
    models: Models,
    /// Which instructions of handlers are struck; with `stores` name models such as memory-write
    #[arg(long, value_enum, default_value_t = Aim::Everything)]
    aim: Aim,
    /// The function whose calls are struck, as `nm -C` shows it
    #[arg(
        long,
        value_name = "FUNCTION",
        default_value = "asc_memcached::server::execution::execute"
    )]
    entry: String,
    /// Worker threads of the server (-t)
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Seed of what clients do and of what is struck
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print what was seen as one JSON object
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// The executable.
    fn server(&self) -> Result<PathBuf> {
        match &self.program {
            Some(path) => program::real(path),
            None => program::build_server(&self.target, self.build),
        }
    }
}

/// Strikes until the time is over, and judges.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let settings = Settings {
        setup: Setup {
            program: arguments.server()?,
            threads: arguments.threads,
            arguments: ARGUMENTS
                .iter()
                .chain(&ON_FAULT)
                .map(ToString::to_string)
                .collect(),
        },
        entry: arguments.entry.clone(),
        time: arguments.time,
        strikes_per_second: arguments.strikes_per_second,
        models: arguments.models.0.clone(),
        aim: arguments.aim,
        seed: arguments.seed,
    };
    let spinner = progress::preparation();
    let tally = soak::soak(&settings, |tally| {
        let Tally { lives, strikes, .. } = tally;
        spinner.set_message(format!("{lives} lives, {strikes} strikes"));
    })?;
    spinner.finish_and_clear();
    print(&tally, arguments.json);
    Ok(match tally.passed() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(EXIT_ABOVE_LIMIT),
    })
}

fn print(tally: &Tally, json: bool) {
    if json {
        let line = serde_json::to_string(tally).expect("plain numbers always serialise");
        println!("{line}");
        return;
    }
    let Tally { seen, .. } = tally;
    println!("strikes              {:>10}", tally.strikes);
    println!(
        "longest call         {:>10}  (instructions of handlers; struck behind {} at most)",
        tally.longest_call, tally.deepest_strike
    );
    for (action, count) in &tally.incidents {
        println!("reported: {action:<10} {count:>10}");
    }
    println!("false alarms         {:>10}", tally.false_alarms);
    println!("lives                {:>10}", tally.lives);
    for (end, count) in &tally.ends {
        println!("ended: {end:<13} {count:>10}");
    }
    for (words, count) in &tally.unprovoked {
        println!("unprovoked end       {count:>10}  ({words})");
    }
    println!("longest life, s      {:>10.1}", tally.life_seconds_max);
    println!("reads: found         {:>10}", seen.hits);
    println!("reads: missing       {:>10}", seen.misses);
    println!("reads: expired       {:>10}", seen.expired);
    println!("stored               {:>10}", seen.stored);
    println!("connections          {:>10}", seen.connections);
    println!("left unanswered      {:>10}", seen.unanswered);
    println!("{}", growth(tally));
    println!("wrong replies        {:>10}", tally.wrong.len());
    for wrong in &tally.wrong {
        println!("  {wrong}");
    }
}

fn growth(tally: &Tally) -> String {
    let occupied = tally.resident_bytes_max as f64 / 1e6;
    if tally.lives_measured == 0 {
        let least = MEASURED_MIN.as_secs();
        return format!(
            "memory grew          {:>10}  (no life lasted {least} s; {occupied:.1} MB at most)",
            "not judged"
        );
    }
    format!(
        "memory grew, MB      {:>10.1}  (at most {:.1}; {} lives, {occupied:.1} MB at most)",
        tally.growth_bytes_max as f64 / 1e6,
        GROWTH_BYTES_MAX as f64 / 1e6,
        tally.lives_measured,
    )
}

fn parse_rate(text: &str) -> std::result::Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.0..=1000.0).contains(&rate) => Ok(rate),
        _ => Err("give a number from 0 to 1000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_nobody_judged_is_not_called_steady() {
        let mut tally = Tally::default();
        assert!(growth(&tally).contains("not judged"));
        tally.lives_measured = 1;
        assert!(growth(&tally).contains("1 lives"));
    }
}
