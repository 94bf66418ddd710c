//! `asc-inject record`.
//!
//! Either the target generates the requests, or a proxy stands between real clients and a real
//! server (--listen, --to) and what the clients send is cut into requests by the target's `frame`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::options::{REQUESTS, TargetOptions};
use crate::failure::{Failure, Result};
use crate::trace::Trace;
use crate::{program, proxy};

/// Which requests.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    target: TargetOptions,
    /// Where the trace goes
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Requests: so many are generated, or at most so many of those recorded are kept
    #[arg(long, default_value_t = REQUESTS)]
    requests: usize,
    /// Seed to generate them from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Record what real clients send to this address, such as 127.0.0.1:11311
    #[arg(long, value_name = "ADDRESS", requires = "to")]
    listen: Option<String>,
    /// The real server, to which everything is passed on
    #[arg(long, value_name = "ADDRESS", requires = "listen")]
    to: Option<String>,
    /// End when so many connections were closed
    #[arg(long, default_value_t = 1, requires = "listen")]
    connections: usize,
}

/// Writes a trace.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let program = arguments.target.program()?;
    let trace = match (&arguments.listen, &arguments.to) {
        (Some(listen), Some(to)) => {
            let streams = proxy::record(listen, to, arguments.connections)?;
            let mut requests = Vec::new();
            for stream in streams {
                requests.extend(program::frame(&program, &stream)?.requests);
            }
            requests.truncate(arguments.requests);
            Trace { requests }
        }
        _ => program::generate(&program, arguments.seed, arguments.requests)?,
    };
    std::fs::write(&arguments.output, trace.encode())
        .map_err(|error| Failure::file("to write the trace", &arguments.output, error))?;
    println!("{} requests", trace.requests.len());
    Ok(ExitCode::SUCCESS)
}
