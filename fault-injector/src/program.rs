//! The target's program: found by name and built, or named by path.
//!
//! A target called `cache` is the package `asc-inject-cache` of the workspace in the current
//! directory. `plain` is built by cargo, `hardened` by `cargo asc`; cargo itself says where the
//! executable lies.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ValueEnum;
use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::protocol::{FRAME, GENERATE};
use crate::trace::Trace;

/// How packages of targets are called.
const PACKAGE_PREFIX: &str = "asc-inject-";
/// How packages of servers are called.
const SERVER_PREFIX: &str = "asc-";

/// How a target is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Build {
    /// By cargo: every handler runs once.
    Plain,
    /// By `cargo asc`: every handler runs twice.
    Hardened,
    /// By `cargo asc --integrity crc`: and each line of the protected heap has a code.
    Crc,
}

impl Build {
    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Hardened => "hardened",
            Self::Crc => "crc",
        }
    }
}

/// Builds target `name` and returns its executable.
pub fn build(name: &str, build: Build) -> Result<PathBuf> {
    build_package(name, &format!("{PACKAGE_PREFIX}{name}"), build)
}

/// Builds the server `name`, a whole program and no target, and returns its executable.
pub fn build_server(name: &str, build: Build) -> Result<PathBuf> {
    build_package(name, &format!("{SERVER_PREFIX}{name}"), build)
}

fn build_package(name: &str, package: &str, build: Build) -> Result<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    match build {
        Build::Plain => cargo.arg("build"),
        Build::Hardened => cargo.args(["asc", "build", "--integrity", "ecc"]),
        Build::Crc => cargo.args(["asc", "build", "--integrity", "crc"]),
    };
    cargo
        .args(["--release", "--package", package])
        .arg("--message-format=json-render-diagnostics")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    let done = cargo
        .output()
        .map_err(|error| Failure::system("to start cargo", error))?;
    let executable = String::from_utf8_lossy(&done.stdout)
        .lines()
        .filter_map(|line| executable_of(line, package))
        .next_back();
    match executable {
        Some(path) if done.status.success() => real(&path),
        _ => Err(Failure::new(
            format!("target `{name}`, {}: package `{package}`", build.name()),
            format!("cargo ended with {}", done.status),
            "see cargo's message above; `asc-inject list-targets` lists what there is, and \
             --program takes any executable",
        )),
    }
}

/// The path as the system names it in a process's mappings.
pub fn real(path: &Path) -> Result<PathBuf> {
    path.canonicalize()
        .map_err(|error| Failure::file("a target's program", path, error))
}

/// Names of all targets in the workspace.
pub fn list() -> Result<Vec<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let done = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Failure::system("to start cargo", error))?;
    let metadata: Value = serde_json::from_slice(&done.stdout).map_err(|error| {
        Failure::new(
            "cargo's description of a workspace",
            error.to_string(),
            "start this in a checkout",
        )
    })?;
    let packages = metadata["packages"].as_array().cloned();
    let names = packages
        .unwrap_or_default()
        .into_iter()
        .filter_map(|package| {
            let name = package["name"].as_str()?.strip_prefix(PACKAGE_PREFIX)?;
            Some(name.to_owned())
        });
    Ok(names.collect())
}

/// Has the target generate a trace.
pub fn generate(program: &Path, seed: u64, count: usize) -> Result<Trace> {
    let done = Command::new(program)
        .args([GENERATE, &seed.to_string(), &count.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Failure::file("to start the target", program, error))?;
    Trace::decode(&done.stdout).map_err(|error| {
        Failure::new(
            "a trace from the target's generator",
            error.to_string(),
            "the target's `main` must return `fault_injector::target::serve::<T>()`",
        )
    })
}

/// Has the target cut what a client sent into requests.
pub fn frame(program: &Path, bytes: &[u8]) -> Result<Trace> {
    let wanted = |error| Failure::file("to start the target", program, error);
    let mut child = Command::new(program)
        .arg(FRAME)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(wanted)?;
    // The target reads everything before it writes anything.
    if let Some(mut input) = child.stdin.take() {
        input.write_all(bytes).map_err(wanted)?;
    }
    let done = child.wait_with_output().map_err(wanted)?;
    Trace::decode(&done.stdout)
        .map_err(|error| Failure::file("a trace from the target's `frame`", program, error))
}

fn executable_of(line: &str, package: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    let of_package = message["target"]["name"].as_str() == Some(package);
    let executable = message["executable"].as_str()?;
    of_package.then(|| PathBuf::from(executable))
}
