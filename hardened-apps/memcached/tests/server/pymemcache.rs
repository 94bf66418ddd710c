//! A real client: Python's pymemcache, installed by the test into its own directory.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::running_server::RunningServer;

/// The release that the session was written for.
const REQUIREMENT: &str = "pymemcache==4.0.0";

/// Runs a command that must succeed.
#[track_caller]
fn run(command: &mut Command, purpose: &str) -> String {
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

/// The interpreter of an environment that has the client.
fn python_with_client() -> PathBuf {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pymemcache-environment");
    let python = environment.join("bin/python");
    let ready = environment.join(REQUIREMENT);
    if !ready.exists() {
        run(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&environment),
            "creating a Python environment",
        );
        run(
            Command::new(&python).args(["-m", "pip", "install", "--quiet", REQUIREMENT]),
            "installing the client",
        );
        std::fs::write(&ready, "").expect("the environment is ours");
    }
    python
}

#[test]
fn a_real_client_uses_the_server() {
    let python = python_with_client();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/pymemcache_session.py");
    let server = RunningServer::start(&["-t", "2"]);
    let port = server.address.port().to_string();
    let runs_per_handler = if asc_runtime::mode().name() == "plain" {
        "1"
    } else {
        "2"
    };
    let said = run(
        Command::new(python).arg(script).args([
            &port,
            asc_runtime::mode().name(),
            runs_per_handler,
        ]),
        "the session of pymemcache",
    );
    assert!(said.ends_with("session complete\n"), "{said}");
}
