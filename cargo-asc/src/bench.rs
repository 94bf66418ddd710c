//! `cargo asc bench`: the benchmarks of a hardened build.
//!
//! The first argument may name one of this project's own side-by-side
//! benchmarks, which measure the same program plain and hardened in one run;
//! each of those is a module below this one. Everything else is `cargo bench`.

mod contestant;
mod handler;
mod integrity;
mod memcached;
mod program;
mod scrubber;
mod turns;

use std::ffi::OsString;

use crate::cargo;
use crate::refusal::Refusal;

/// Runs benchmarks.
pub(crate) fn run(arguments: &[OsString]) -> Result<u8, Refusal> {
    match arguments.split_first() {
        Some((name, rest)) if name == "handler" => handler::run(rest),
        Some((name, rest)) if name == "integrity" => integrity::run(rest),
        Some((name, rest)) if name == "memcached" => memcached::run(rest),
        _ => cargo::run("bench", arguments),
    }
}
