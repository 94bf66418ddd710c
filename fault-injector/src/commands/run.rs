//! `asc-inject run`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::live;
use super::options::CampaignOptions;
use super::{EXIT_ABOVE_LIMIT, progress};
use crate::campaign::{Campaign, Settings};
use crate::evidence::Evidence;
use crate::failure::Result;
use crate::journal::Journal;
use crate::plan::{self, Plan};
use crate::results::Record;
use crate::statistics::stopping::{Goal, LOOK_FIRST, Verdict, Watch};
use crate::statistics::tally::{Tally, outcome_name};

/// Least injections of each stratum.
pub const LEAST: u64 = 20;

/// Which campaign.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    campaign: CampaignOptions,
    /// Injections, allotted to models and zones in proportion to their faults
    #[arg(long, default_value_t = 10_000)]
    injections: u64,
    /// Stop as soon as this is decided, such as 'sdc<1e-4@95%'; --injections is then the most that is
    /// spent on it. Measures: sdc, wrong-reply, latent-sdc, crashed, hung
    #[arg(long, value_name = "GOAL")]
    until: Option<Goal>,
    /// Where the results go, as JSON Lines; what an interrupted run has left there is continued
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Of so many injections, evenly spread, the instructions from fault to detection are counted,
    /// which takes as long as dozens of injections each; 0 for none
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 1000,
        conflicts_with = "live"
    )]
    latency_samples: u64,
    #[command(flatten)]
    live: live::LiveOptions,
}

/// Carries the campaign out.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.live.live {
        let (options, count) = (&arguments.campaign, arguments.injections);
        let records = live::carry_out(options, &arguments.live, count, &arguments.output)?;
        print_outcomes(&records);
        return Ok(ExitCode::SUCCESS);
    }
    let campaign = prepared(Settings {
        latency_every: match arguments.latency_samples {
            0 => 0,
            samples => (arguments.injections / samples).max(1),
        },
        ..arguments.campaign.settings()?
    })?;
    let (records, verdict) = carry_out(&campaign, arguments)?;
    print_outcomes(&records);
    Ok(match verdict {
        Verdict::Refuted(rate) => {
            println!("the goal is refuted: {:.3e}", rate.rate);
            ExitCode::from(EXIT_ABOVE_LIMIT)
        }
        Verdict::Holds(rate) => {
            println!("the goal holds: at most {:.3e}", rate.interval.high);
            ExitCode::SUCCESS
        }
        Verdict::Continue if arguments.until.is_some() => {
            println!("the goal is not decided: allow more --injections");
            ExitCode::from(EXIT_ABOVE_LIMIT)
        }
        Verdict::Continue => ExitCode::SUCCESS,
    })
}

fn print_outcomes(records: &[Record]) {
    let mut tally = Tally::default();
    records.iter().for_each(|record| tally.add(record.outcome));
    for outcome in Tally::ORDER {
        println!("{:<20} {:>9}", outcome_name(outcome), tally.of(outcome));
    }
}

/// Round by round, each a whole stratified sample, until the goal is decided or all is done.
fn carry_out(campaign: &Campaign, arguments: &Arguments) -> Result<(Vec<Record>, Verdict)> {
    let mut watch = arguments.until.map(|goal| (goal, Watch::new(goal)));
    let mut planned = Evidence::default();
    let (mut journal, mut done, mut verdict) = (None, 0, Verdict::Continue);
    for round in 0.. {
        let plan = plan_round(campaign, arguments, round, done);
        if plan.injections.is_empty() || verdict != Verdict::Continue {
            break;
        }
        planned.expect(&plan.strata);
        let journal = match &mut journal {
            Some(journal) => journal,
            none => {
                let header = campaign.header(&plan.strata);
                none.insert(Journal::open(&arguments.output, &header)?)
            }
        };
        carry_out_round(campaign, &plan, journal)?;
        done += plan.injections.len() as u64;
        if let Some((goal, watch)) = &mut watch {
            let mut seen = planned.clone();
            journal.records().for_each(|record| seen.add(record));
            verdict = watch.look(&seen.samples(goal.measure));
        }
    }
    let header = campaign.header(&planned.strata());
    let records = journal.map_or(Ok(Vec::new()), |journal| journal.finish(&header))?;
    Ok((records, verdict))
}

/// With a goal every round doubles what was done; without one there is one round.
fn plan_round(campaign: &Campaign, arguments: &Arguments, round: u64, done: u64) -> Plan {
    let left = arguments.injections.saturating_sub(done);
    let count = match arguments.until {
        Some(_) => done.max(LOOK_FIRST).min(left),
        None => left,
    };
    let least = if round == 0 { LEAST } else { 1 };
    let options = &arguments.campaign;
    let models = &options.models.0;
    plan::draw(
        campaign.profile(),
        models,
        count,
        least.min(count),
        options.seed,
        round,
        done,
    )
}

fn carry_out_round(campaign: &Campaign, plan: &Plan, journal: &mut Journal) -> Result<()> {
    let open: Vec<_> = plan
        .injections
        .iter()
        .filter(|injection| !journal.has(injection.id))
        .copied()
        .collect();
    let bar = progress::injections(plan.injections.len() as u64);
    bar.set_position((plan.injections.len() - open.len()) as u64);
    let mut written = Ok(());
    campaign.run(&open, |record| {
        bar.inc(1);
        if written.is_ok() {
            written = journal.append(record);
        }
    })?;
    bar.finish_and_clear();
    written
}

/// Prepares a campaign and says so.
pub fn prepare(options: &CampaignOptions) -> Result<Campaign> {
    prepared(options.settings()?)
}

/// Prepares a campaign with these settings and says so.
pub fn prepared(settings: Settings) -> Result<Campaign> {
    let spinner = progress::preparation();
    let campaign = Campaign::prepare(settings, |stage| spinner.set_message(stage.to_owned()));
    spinner.finish_and_clear();
    campaign
}
