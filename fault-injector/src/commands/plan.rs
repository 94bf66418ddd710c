//! `asc-inject plan`.

use std::process::ExitCode;

use clap::Args;

use super::options::CampaignOptions;
use super::run::{LEAST, prepare};
use crate::failure::Result;
use crate::plan;

/// Which campaign.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    campaign: CampaignOptions,
    /// Injections to plan
    #[arg(long, default_value_t = 10_000)]
    injections: u64,
}

/// Prints the strata with their sizes and what each would get.
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
    let profile = campaign.profile();
    println!(
        "{} requests, {} instructions, {} injections",
        profile.requests.len(),
        profile.instructions(),
        plan.injections.len()
    );
    println!(
        "{:<24} {:<12} {:>12} {:>12}",
        "model", "zone", "points", "injections"
    );
    for stratum in &plan.strata {
        let zone = format!("{:?}", stratum.zone).to_lowercase();
        println!(
            "{:<24} {:<12} {:>12} {:>12}",
            stratum.model.name(),
            zone,
            stratum.points,
            stratum.injections
        );
    }
    Ok(ExitCode::SUCCESS)
}
