//! `asc-inject replay`.
//!
//! 1. The campaign's header says what was struck; target and trace must be the same still.
//! 2. The injection is carried out once more, alone.
//! 3. It must come to what was recorded; or it is handed to a debugger, struck and stopped.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::EXIT_ABOVE_LIMIT;
use super::options::read_trace;
use super::run::prepared;
use crate::aftermath::Difference;
use crate::campaign::{Campaign, Settings};
use crate::failure::{Failure, Result};
use crate::journal;
use crate::plan::Injection;
use crate::program::{self, Build};
use crate::results::{Backend, Header, Record};

/// Differing words that are printed.
const WORDS_SHOWN: usize = 64;

/// Which injection.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Number of the injection
    #[arg(long)]
    id: u64,
    /// The campaign's results
    #[arg(long, value_name = "FILE")]
    results: PathBuf,
    /// The target's executable, if it was not one of this workspace's packages
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// The campaign's trace, if it was not generated from the seed
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Stop behind the strike and start gdb on the struck process
    #[arg(long)]
    gdb: bool,
    /// Also print the words of memory in which the struck process ends unlike a healthy one
    #[arg(long)]
    memory: bool,
}

/// Carries one injection out again and compares what comes of it.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let (header, records) = journal::read(&arguments.results)?;
    if header.backend == Backend::Live {
        return Err(Failure::new(
            "a campaign of the replay backend",
            "one of the live backend: what its draws meet depends on the schedule",
            "strike again with `run --live` and the same seed; to debug, strike the handler's \
             target without --live",
        ));
    }
    let recorded = records
        .iter()
        .find(|record| record.id == arguments.id)
        .ok_or_else(|| unknown(arguments.id, records.len()))?;
    let campaign = prepared(settings(arguments, &header)?)?;
    demand_same(&header, &campaign)?;
    let injection = injection(recorded, &campaign)?;
    if arguments.gdb {
        campaign.debug(&injection)?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.memory {
        print_aftermath(campaign.aftermath(&injection)?);
    }
    let mut replayed = None;
    campaign.run(&[injection], |record| replayed = Some(record))?;
    let json = serde_json::to_string(&replayed).unwrap_or_default();
    println!("{json}");
    if replayed.as_ref() == Some(recorded) {
        return Ok(ExitCode::SUCCESS);
    }
    let recorded = serde_json::to_string(recorded).unwrap_or_default();
    eprintln!("this is not what was recorded:\n{recorded}");
    Ok(ExitCode::from(EXIT_ABOVE_LIMIT))
}

fn print_aftermath(differences: Option<Vec<Difference>>) {
    let Some(differences) = differences else {
        eprintln!("the process ended before its memory could be read");
        return;
    };
    eprintln!("{} words of memory differ at the end", differences.len());
    for word in differences.iter().take(WORDS_SHOWN) {
        let (address, mapping) = (word.address, &word.mapping);
        let (right, found) = (word.right, word.found);
        eprintln!("{address:#x} {mapping:<8} right {right:#018x} found {found:#018x}");
    }
}

fn settings(arguments: &Arguments, header: &Header) -> Result<Settings> {
    let build = [Build::Plain, Build::Hardened, Build::Crc]
        .into_iter()
        .find(|build| build.name() == header.build)
        .unwrap_or(Build::Plain);
    let program = match &arguments.program {
        Some(path) => program::real(path)?,
        None => program::build(&header.target, build)?,
    };
    let trace = match &arguments.trace {
        Some(path) => read_trace(path)?,
        None => program::generate(&program, header.seed, header.requests as usize)?,
    };
    Ok(Settings {
        target: header.target.clone(),
        build: header.build.clone(),
        program,
        trace,
        seed: header.seed,
        mask: header.mask,
        on_fault: header.on_fault.clone(),
        workers: 1,
        latency_every: header.latency_every,
    })
}

/// The injection behind a record.
fn injection(record: &Record, campaign: &Campaign) -> Result<Injection> {
    let profile = campaign.profile();
    let walk = profile
        .requests
        .iter()
        .position(|walk| walk.request == record.request)
        .filter(|walk| record.instruction < profile.requests[*walk].steps.len() as u64);
    Ok(Injection {
        id: record.id,
        walk: walk.ok_or_else(|| unknown(record.id, profile.requests.len()))?,
        step: record.instruction,
        model: record.model,
    })
}

fn demand_same(header: &Header, campaign: &Campaign) -> Result<()> {
    let (program, trace) = campaign.checksums();
    let wanted = (header.binary_crc, header.trace_crc);
    if wanted == (program, trace) {
        return Ok(());
    }
    Err(Failure::new(
        format!(
            "the campaign's program and trace (CRC32C {:#010x}, {:#010x})",
            wanted.0, wanted.1
        ),
        format!("{program:#010x}, {trace:#010x}"),
        "check the campaign's commit out, or name its files with --program and --trace",
    ))
}

fn unknown(id: u64, count: usize) -> Failure {
    Failure::new(
        format!("injection {id}"),
        format!("none with that number among {count}, or not in this target"),
        "choose an id from the results file",
    )
}
