//! `cargo asc bench memcached`: `asc-memcached` beside stock memcached.
//!
//! 1. `asc-memcached` is built in every variant, the generator plainly.
//! 2. The generator, `asc-bench-memcached`, gets the programs and does everything else.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use super::program::Program;
use crate::integrity::Integrity;
use crate::refusal::Refusal;

const SERVER: Program = Program {
    package: "asc-memcached",
    name: "asc-memcached",
};
const GENERATOR: Program = Program {
    package: "asc-bench-memcached",
    name: "asc-bench-memcached",
};
/// What everything is compared with; found on PATH.
const STOCK: &str = "stock=memcached";

/// A way to build the server.
enum Build {
    Plain,
    /// With these arguments of `cargo asc build`.
    Hardened(&'static [&'static str]),
}

/// The columns beside stock memcached.
const VARIANTS: [(&str, Build); 2] = [("plain", Build::Plain), ("hardened", Build::Hardened(&[]))];

/// Builds, measures and reports; `arguments` are the generator's.
pub(crate) fn run(arguments: &[OsString]) -> Result<u8, Refusal> {
    let generator = GENERATOR.build_plain()?;
    let mut command = Command::new(&generator);
    command.args(["--server", STOCK]);
    // Each build may put its program where the one before has put its own.
    let kept = tempfile::tempdir().map_err(|error| Refusal::program(&generator, &error))?;
    for (name, build) in VARIANTS {
        let program = match build {
            Build::Plain => SERVER.build_plain()?,
            Build::Hardened(arguments) => {
                SERVER.build_hardened(Integrity::of_environment()?, arguments)?
            }
        };
        let copy = kept.path().join(name);
        std::fs::copy(&program, &copy).map_err(|error| Refusal::file("copy", &program, &error))?;
        command.arg("--server").arg(contender(name, copy));
    }
    let status = command
        .args(arguments)
        .status()
        .map_err(|error| Refusal::program(&generator, &error))?;
    Ok(u8::from(!status.success()))
}

fn contender(name: &str, program: PathBuf) -> OsString {
    let mut contender = OsString::from(format!("{name}="));
    contender.push(program);
    contender
}
