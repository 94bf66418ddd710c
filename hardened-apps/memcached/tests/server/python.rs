//! Python environments with real clients, made by the tests for themselves.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a command that must succeed.
#[track_caller]
pub(crate) fn run(command: &mut Command, purpose: &str) -> String {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{purpose}: {command:?} does not start: {error}; this test needs python3 with pip and venv")
    });
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{purpose}: {command:?} failed: {}\n{out}\n{err}",
        output.status
    );
    out.into_owned()
}

/// The interpreter of an environment that has this package, given as `name==version`.
pub(crate) fn python_with(requirement: &str) -> PathBuf {
    let name = requirement.split('=').next().unwrap_or(requirement);
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-environment"));
    let python = environment.join("bin/python");
    let ready = environment.join(requirement);
    if !ready.exists() {
        run(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&environment),
            "creating a Python environment",
        );
        run(
            Command::new(&python).args(["-m", "pip", "install", "--quiet", requirement]),
            "installing the client",
        );
        std::fs::write(&ready, "").expect("the environment is ours");
    }
    python
}

/// A script of these tests.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/server")
        .join(name)
}
