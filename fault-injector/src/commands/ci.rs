//! `asc-inject ci`.

use std::process::ExitCode;

use clap::Args;

use super::options::CampaignOptions;
use crate::failure::Result;

/// Which campaign and which limit.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    campaign: CampaignOptions,
}

/// Judges.
pub fn run(_arguments: &Arguments) -> Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
