//! `asc-inject replay`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::EXIT_ABOVE_LIMIT;
use super::options::CampaignOptions;
use super::run::{LEAST, prepare};
use crate::failure::{Failure, Result};
use crate::{journal, plan};

/// Which injection.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    campaign: CampaignOptions,
    /// Number of the injection
    #[arg(long)]
    id: u64,
    /// The campaign's results, with the same options as it was run with
    #[arg(long, value_name = "FILE")]
    results: PathBuf,
}

/// Carries one injection out again and compares the outcome.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let (header, records) = journal::read(&arguments.results)?;
    let recorded = records.iter().find(|record| record.id == arguments.id);
    let Some(recorded) = recorded else {
        return Err(Failure::new(
            format!("injection {}", arguments.id),
            format!("{} injections", records.len()),
            "choose one of those",
        ));
    };
    let campaign = prepare(&arguments.campaign)?;
    let planned: u64 = header.injections;
    let plan = plan::draw(
        campaign.profile(),
        &arguments.campaign.models.0,
        planned,
        LEAST,
        header.seed,
        0,
        0,
    );
    let chosen: Vec<_> = plan
        .injections
        .iter()
        .filter(|injection| injection.id == arguments.id)
        .copied()
        .collect();
    let mut same = false;
    campaign.run(&chosen, |record| {
        same = record == *recorded;
        println!("{}", serde_json::to_string(&record).unwrap_or_default());
    })?;
    Ok(if same {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_ABOVE_LIMIT)
    })
}
