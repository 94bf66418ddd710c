//! `asc-inject list-targets`.

use std::process::ExitCode;

use crate::failure::Result;
use crate::program;

/// Prints one name per line.
pub fn run() -> Result<ExitCode> {
    for name in program::list()? {
        println!("{name}");
    }
    Ok(ExitCode::SUCCESS)
}
