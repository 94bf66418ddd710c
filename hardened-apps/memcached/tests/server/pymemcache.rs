//! A real client: Python's pymemcache, which speaks the classic protocol.

use std::process::Command;

use crate::python::{python_with, run, script};
use crate::running_server::RunningServer;

/// The release that the session was written for.
const REQUIREMENT: &str = "pymemcache==4.0.0";

#[test]
fn a_real_client_uses_the_server() {
    let python = python_with(REQUIREMENT);
    let server = RunningServer::start(&["-t", "2"]);
    let port = server.address.port().to_string();
    let runs_per_handler = if asc_runtime::mode().name() == "plain" {
        "1"
    } else {
        "2"
    };
    let said = run(
        Command::new(python)
            .arg(script("pymemcache_session.py"))
            .args([&port, asc_runtime::mode().name(), runs_per_handler]),
        "the session of pymemcache",
    );
    assert!(said.ends_with("session complete\n"), "{said}");
}
