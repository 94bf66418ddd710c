//! `asc-inject ci`.
//!
//! 1. The target is built and prepared; that time does not count.
//! 2. Rounds of injections are carried out, each a whole stratified sample, each as large as the
//!    rate so far says will fit into the budget.
//! 3. The undetected-error rate, weighed by the fault space, is held against the limit: the upper
//!    end of its 95 % interval must not be above it.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use super::options::CampaignOptions;
use super::run::prepare;
use super::{EXIT_ABOVE_LIMIT, progress};
use crate::campaign::Campaign;
use crate::evidence::Evidence;
use crate::failure::Result;
use crate::plan;
use crate::results::{Record, Zone};
use crate::statistics::CONFIDENCE;
use crate::statistics::comparison::PerRequest;
use crate::statistics::stopping::Measure;
use crate::statistics::stratified;
use crate::statistics::tally::is_undetected;

/// Injections of the first round, which tells how fast this machine is.
const FIRST_ROUND: u64 = 2000;
/// A round that would be smaller than this is not begun.
const ROUND_LEAST: u64 = 500;
/// Of the time that is left, this much is planned for: rounds may take longer than the last.
const USE_OF_TIME: f64 = 0.8;
/// Least injections of each stratum in each round.
const LEAST: u64 = 1;

/// Undetected faults that are printed.
const ESCAPES_SHOWN: usize = 20;

/// Which campaign and which limit.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    campaign: CampaignOptions,
    /// Time for injections, such as 60s or 10m; building and preparing come on top
    #[arg(long, default_value = "60s", value_parser = parse_duration)]
    budget: Duration,
    /// Highest undetected-error rate: the upper end of the 95 % interval must not be above it
    #[arg(long, value_name = "RATE", default_value_t = 0.0005)]
    max_sdc_rate: f64,
    /// Print the verdict as one JSON object
    #[arg(long)]
    json: bool,
}

/// The last line of `ci --json`.
#[derive(Debug, Serialize)]
struct Verdict {
    target: String,
    build: String,
    seed: u64,
    injections: u64,
    /// Undetected: wrong replies with a valid checksum and wrong final states.
    sdc: u64,
    sdc_reply: u64,
    sdc_latent: u64,
    /// Of all faults in the fault space, those undetected.
    sdc_rate: f64,
    sdc_rate_low95: f64,
    sdc_rate_high95: f64,
    /// The same of faults in handlers and in the runtime alone.
    sdc_rate_handlers: f64,
    sdc_rate_handlers_high95: f64,
    /// Of `sdc`, those in code around handlers.
    sdc_outside: u64,
    detected: u64,
    corrected: u64,
    caught_at_receiver: u64,
    crashed: u64,
    hung: u64,
    masked: u64,
    /// Places of faults that one request offers.
    points_per_request: f64,
    /// Undetected of those, if each were struck.
    sdc_per_request: f64,
    sdc_per_request_high95: f64,
    max_sdc_rate: f64,
    injections_per_second: f64,
    passed: bool,
}

/// Carries rounds out until the budget is spent, and judges.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let campaign = prepare(&arguments.campaign)?;
    let start = Instant::now();
    let findings = gather(&campaign, arguments, start)?;
    let verdict = judge(&campaign, arguments, &findings.evidence, start.elapsed());
    show(&findings.escapes);
    if arguments.json {
        println!("{}", serde_json::to_string(&verdict).unwrap_or_default());
    } else {
        print(&verdict);
    }
    Ok(if verdict.passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_ABOVE_LIMIT)
    })
}

/// What the rounds have shown.
#[derive(Debug, Default)]
struct Findings {
    evidence: Evidence,
    escapes: Vec<Record>,
}

fn gather(campaign: &Campaign, arguments: &Arguments, start: Instant) -> Result<Findings> {
    let mut findings = Findings::default();
    let bar = progress::injections(FIRST_ROUND);
    let (mut done, mut count) = (0, FIRST_ROUND);
    for round in 0.. {
        let options = &arguments.campaign;
        let (profile, models) = (campaign.profile(), &options.models.0);
        let plan = plan::draw(profile, models, count, LEAST, options.seed, round, done);
        bar.set_length(done + plan.injections.len() as u64);
        findings.evidence.expect(&plan.strata);
        campaign.run(&plan.injections, |record| {
            bar.inc(1);
            findings.evidence.add(&record);
            if is_undetected(record.outcome) {
                findings.escapes.push(record);
            }
        })?;
        done += plan.injections.len() as u64;
        let spent = start.elapsed().as_secs_f64();
        let left = arguments.budget.as_secs_f64() - spent;
        count = (done as f64 / spent * left * USE_OF_TIME) as u64;
        if left <= 0.0 || count < ROUND_LEAST || plan.injections.is_empty() {
            break;
        }
    }
    bar.finish_and_clear();
    Ok(findings)
}

fn judge(
    campaign: &Campaign,
    arguments: &Arguments,
    evidence: &Evidence,
    spent: Duration,
) -> Verdict {
    let settings = campaign.settings();
    let tally = evidence.tally();
    let rate = stratified::rate(&evidence.samples(Measure::Undetected), CONFIDENCE);
    let inside = evidence.samples_of(Measure::Undetected, |zone| zone != Zone::Outside);
    let inside = stratified::rate(&inside, CONFIDENCE);
    let per_request = PerRequest::new(&rate, campaign.profile().requests.len() as u32);
    Verdict {
        target: settings.target.clone(),
        build: settings.build.clone(),
        seed: settings.seed,
        injections: tally.injections(),
        sdc: tally.undetected(),
        sdc_reply: tally.sdc,
        sdc_latent: tally.latent_sdc,
        sdc_rate: rate.rate,
        sdc_rate_low95: rate.interval.low,
        sdc_rate_high95: rate.interval.high,
        sdc_rate_handlers: inside.rate,
        sdc_rate_handlers_high95: inside.interval.high,
        sdc_outside: tally.undetected() - inside.hits,
        detected: tally.detected,
        corrected: tally.corrected,
        caught_at_receiver: tally.caught_at_receiver,
        crashed: tally.crashed,
        hung: tally.hung,
        masked: tally.masked,
        points_per_request: per_request.points,
        sdc_per_request: per_request.undetected,
        sdc_per_request_high95: per_request.interval.high,
        max_sdc_rate: arguments.max_sdc_rate,
        injections_per_second: tally.injections() as f64 / spent.as_secs_f64(),
        passed: rate.interval.high <= arguments.max_sdc_rate,
    }
}

fn show(escapes: &[Record]) {
    for record in escapes.iter().take(ESCAPES_SHOWN) {
        eprintln!("undetected: {}", describe(record));
    }
    if escapes.len() > ESCAPES_SHOWN {
        let more = escapes.len() - ESCAPES_SHOWN;
        eprintln!("... and {more} more: `asc-inject run` keeps them all");
    }
}

fn describe(record: &Record) -> String {
    format!(
        "{} {}, request {} step {}: {} `{}` at {} ({}), {} ^ {:#x}: {}",
        record.id,
        record.model.name(),
        record.request,
        record.instruction,
        record.symbol,
        record.text,
        record.line,
        format!("{:?}", record.zone).to_lowercase(),
        record.place,
        record.mask,
        record.detail
    )
}

fn print(verdict: &Verdict) {
    println!(
        "{} {}: {} injections, {} undetected ({} replies, {} final states)",
        verdict.target,
        verdict.build,
        verdict.injections,
        verdict.sdc,
        verdict.sdc_reply,
        verdict.sdc_latent
    );
    println!(
        "undetected rate {:.3e}, with 95 % confidence at most {:.3e}; the limit is {:.3e}: {}",
        verdict.sdc_rate,
        verdict.sdc_rate_high95,
        verdict.max_sdc_rate,
        if verdict.passed { "passed" } else { "failed" }
    );
    println!(
        "in handlers and the runtime alone {:.3e}, at most {:.3e}; {} of the undetected lie around them",
        verdict.sdc_rate_handlers, verdict.sdc_rate_handlers_high95, verdict.sdc_outside
    );
}

/// `90s`, `10m`, `1h`, or a number of seconds.
pub(super) fn parse_duration(text: &str) -> std::result::Result<Duration, String> {
    let units = [("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let (number, unit) = units
        .iter()
        .find_map(|(name, seconds)| Some((text.strip_suffix(name)?, *seconds)))
        .unwrap_or((text, 1.0));
    number
        .parse::<f64>()
        .ok()
        .and_then(|value| Duration::try_from_secs_f64(value * unit).ok())
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| format!("wanted a time such as 60s, 10m or 1h, found `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_understood() {
        assert_eq!(parse_duration("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(parse_duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("7"), Ok(Duration::from_secs(7)));
        assert!(parse_duration("soon").unwrap_err().contains("soon"));
        assert!(parse_duration("-1s").is_err() && parse_duration("0s").is_err());
    }
}
