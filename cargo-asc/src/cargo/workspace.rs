//! Where the workspace's output goes, by cargo's own answer.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::refusal::{Cause, Refusal};

/// The part of `cargo metadata` that is needed here.
#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
}

/// The target directory of the workspace that `arguments` and the current
/// directory name; `CARGO_TARGET_DIR` and `build.target-dir` count.
pub(super) fn target_directory(
    mut cargo: Command,
    arguments: &[OsString],
) -> Result<PathBuf, Refusal> {
    let done = cargo
        .args(["metadata", "--no-deps", "--format-version", "1", "--quiet"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Refusal::program(cargo.get_program().as_ref(), &error))?;
    if !done.status.success() {
        return Err(refusal(&String::from_utf8_lossy(&done.stderr)));
    }
    serde_json::from_slice::<Metadata>(&done.stdout)
        .map(|metadata| metadata.target_directory)
        .map_err(|error| refusal(&error.to_string()))
}

fn refusal(found: &str) -> Refusal {
    Refusal::new(
        Cause::Environment,
        "a cargo package or workspace (asked with cargo metadata)",
        found,
        "run this in a package's directory, or name one with --manifest-path",
    )
}
