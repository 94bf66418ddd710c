//! `asc-memcached` beside stock memcached: one run, all servers in turn.
//!
//! 1. `options` say which servers are compared ([`server`] starts and ends them) under which loads.
//! 2. A [`workload`] prepares exchanges: what is sent, and how many bytes must come back.
//! 3. [`load`] drives one server with one workload; [`machine`] says what the processors did.
//! 4. [`comparison`] interleaves the servers round by round and drops rounds that were disturbed.
//! 5. [`summary`] makes ratios within each round; [`report`] shows them.
//!
//! [`memory`] measures what a million items occupy, [`memcaslap`] lets a foreign generator confirm.
#![forbid(unsafe_code)]

mod comparison;
mod failure;
mod load;
mod machine;
mod memcaslap;
mod memory;
mod options;
mod report;
mod server;
mod summary;
mod workload;

use std::process::ExitCode;

use clap::Parser as _;

use failure::Failure;
use options::Options;
use summary::Summary;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("asc-bench-memcached: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    let mut summary = Summary::new(options);
    if !options.memory_only {
        comparison::compare(options, &mut summary)?;
        memcaslap::confirm(options, &mut summary)?;
    }
    if let Some(items) = options.memory_items() {
        memory::measure(options, items, &mut summary)?;
    }
    report::write(options, &summary)
}
