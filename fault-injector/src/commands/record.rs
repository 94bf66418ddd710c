//! `asc-inject record`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::options::{REQUESTS, TargetOptions};
use crate::failure::{Failure, Result};
use crate::program;

/// Which requests.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    target: TargetOptions,
    /// Where the trace goes
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Requests to generate
    #[arg(long, default_value_t = REQUESTS)]
    requests: usize,
    /// Seed to generate them from
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Writes a trace.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let program = arguments.target.program()?;
    let trace = program::generate(&program, arguments.seed, arguments.requests)?;
    std::fs::write(&arguments.output, trace.encode())
        .map_err(|error| Failure::file("to write the trace", &arguments.output, error))?;
    println!("{} requests", trace.requests.len());
    Ok(ExitCode::SUCCESS)
}
