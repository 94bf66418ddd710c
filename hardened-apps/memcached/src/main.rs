//! `asc-memcached`: reads its options and serves.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use asc_memcached::options::Options;
use asc_memcached::server;

fn main() -> ExitCode {
    match Options::from_arguments().and_then(|options| server::run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit_code()
        }
    }
}
