//! A real client: Python's pylibmc, that is libmemcached, over the text and the binary protocol.

use std::process::Command;

use crate::python::{python_with, run, script};
use crate::running_server::RunningServer;

/// The release that the session was written for.
const REQUIREMENT: &str = "pylibmc==1.6.3";

#[test]
fn libmemcached_uses_the_server_over_both_protocols() {
    let python = python_with(REQUIREMENT);
    for shards in [&["-t", "1"][..], &["-t", "2", "-m", "128"]] {
        let server = RunningServer::start(shards);
        let port = server.address.port().to_string();
        let said = run(
            Command::new(&python)
                .arg(script("pylibmc_session.py"))
                .arg(&port),
            "the session of pylibmc",
        );
        assert_eq!(said, "text complete\nbinary complete\n");
    }
}
