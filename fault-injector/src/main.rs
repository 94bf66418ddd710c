//! `asc-inject`: see `asc-inject --help`.

use std::process::ExitCode;

use clap::Parser as _;
use fault_injector::commands::CommandLine;

fn main() -> ExitCode {
    CommandLine::parse().execute()
}
