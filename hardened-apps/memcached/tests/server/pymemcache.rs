//! A real client: Python's pymemcache, which speaks the classic protocol.

use std::process::Command;

use crate::python::{python_with, run, script};
use crate::running_server::{RunningServer, expected_mode};

/// The release that the session was written for.
const REQUIREMENT: &str = "pymemcache==4.0.0";

#[test]
fn a_real_client_uses_the_server() {
    let python = python_with(REQUIREMENT);
    let server = RunningServer::start(&["-t", "2"]);
    let port = server.address.port().to_string();
    let runs_per_handler = if expected_mode() == "plain" { "1" } else { "2" };
    let said = run(
        Command::new(python)
            .arg(script("pymemcache_session.py"))
            .args([&port, expected_mode(), runs_per_handler]),
        "the session of pymemcache",
    );
    assert!(said.ends_with("session complete\n"), "{said}");
}
