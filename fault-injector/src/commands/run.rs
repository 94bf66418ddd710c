//! `asc-inject run`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::options::CampaignOptions;
use super::progress;
use crate::campaign::{Campaign, Settings};
use crate::failure::Result;
use crate::journal::Journal;
use crate::plan;
use crate::results::Outcome;

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
    /// Where the results go, as JSON Lines; what an interrupted run has left there is continued
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

/// Carries the campaign out.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let campaign = prepare(&arguments.campaign)?;
    let plan = plan::draw(
        campaign.profile(),
        &arguments.campaign.models.0,
        arguments.injections,
        LEAST,
        arguments.campaign.seed,
        0,
        0,
    );
    let mut journal = Journal::open(&arguments.output, &campaign.header(&plan))?;
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
    written?;
    bar.finish_and_clear();
    let records = journal.finish()?;
    let count = |outcome: Outcome| {
        let of = records.iter().filter(|record| record.outcome == outcome);
        (format!("{outcome:?}").to_lowercase(), of.count())
    };
    let outcomes = [
        Outcome::Sdc,
        Outcome::LatentSdc,
        Outcome::CaughtAtReceiver,
        Outcome::Detected,
        Outcome::Crashed,
        Outcome::Hung,
        Outcome::Corrected,
        Outcome::Masked,
    ];
    for (name, number) in outcomes.map(count) {
        println!("{name:<18} {number:>9}");
    }
    Ok(ExitCode::SUCCESS)
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
