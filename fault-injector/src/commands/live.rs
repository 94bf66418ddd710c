//! `asc-inject run --live`.

use std::path::Path;

use clap::Args;

use super::options::CampaignOptions;
use super::progress;
use crate::failure::{Failure, Result};
use crate::journal::Journal;
use crate::live::campaign::{LiveCampaign, Settings, count_injections};
use crate::live::server::Setup;
use crate::live::survey;
use crate::results::{Header, Record};

/// How a server is struck.
#[derive(Debug, Clone, Args)]
pub struct LiveOptions {
    /// Strike a real server with all its threads while clients check its every reply: one injection
    /// for each life of it. It is started as memcached is
    #[arg(long, conflicts_with_all = ["until", "trace"])]
    pub live: bool,
    /// The function whose calls are struck, from entry to return, as `nm -C` shows it
    #[arg(
        long,
        value_name = "FUNCTION",
        default_value = "asc_memcached::server::execution::execute"
    )]
    pub entry: String,
    /// Worker threads of the server (-t)
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// Clients at a time
    #[arg(long, default_value_t = 4)]
    pub connections: usize,
}

/// Carries a live campaign of `count` injections out.
pub fn carry_out(
    campaign: &CampaignOptions,
    live: &LiveOptions,
    count: u64,
    output: &Path,
) -> Result<Vec<Record>> {
    let campaign = prepare(settings(campaign, live)?)?;
    let mut header = campaign.header(count);
    if let Some(begun) = Journal::interrupted(output)? {
        // Two surveys differ; a campaign has one.
        header = continued(begun, header, output)?;
    }
    let mut journal = Journal::open(output, &header)?;
    let open: Vec<u64> = (0..count).filter(|id| !journal.has(*id)).collect();
    let bar = progress::injections(count);
    bar.set_position(count - open.len() as u64);
    let mut written = Ok(());
    campaign.run(&open, |record| {
        bar.inc(1);
        if written.is_ok() {
            written = journal.append(record);
        }
    })?;
    bar.finish_and_clear();
    written?;
    count_injections(&mut header, journal.records());
    journal.finish(&header)
}

fn settings(campaign: &CampaignOptions, live: &LiveOptions) -> Result<Settings> {
    Ok(Settings {
        target: campaign.target.target.clone(),
        build: campaign.target.build.name().to_owned(),
        setup: Setup {
            program: campaign.target.server()?,
            threads: live.threads,
            arguments: policy(campaign.on_fault.as_deref()),
        },
        entry: live.entry.clone(),
        connections: live.connections,
        requests: campaign.requests,
        surveyed: survey::CALLS,
        models: campaign.models.0.clone(),
        mask: campaign.mask,
        on_fault: campaign.on_fault.clone(),
        seed: campaign.seed,
        workers: campaign.workers(),
    })
}

fn policy(on_fault: Option<&str>) -> Vec<String> {
    let option = on_fault.map(|policy| ["--on-fault".to_owned(), policy.to_owned()]);
    option.into_iter().flatten().collect()
}

fn prepare(settings: Settings) -> Result<LiveCampaign> {
    let spinner = progress::preparation();
    let campaign = LiveCampaign::prepare(settings, |calls| {
        spinner.set_message(format!("calls surveyed: {calls} of {}", survey::CALLS));
    });
    spinner.finish_and_clear();
    campaign
}

/// The header that an interrupted campaign was begun with, if it is the same campaign.
fn continued(begun: Header, now: Header, output: &Path) -> Result<Header> {
    let survey_aside = Header {
        requests: now.requests,
        instructions: now.instructions,
        fault_space: now.fault_space.clone(),
        ..begun.clone()
    };
    if survey_aside == now {
        return Ok(begun);
    }
    Err(Failure::new(
        format!("the same campaign in {}", output.display()),
        "another one, interrupted",
        "name another file, or remove the partial one to begin again",
    ))
}
