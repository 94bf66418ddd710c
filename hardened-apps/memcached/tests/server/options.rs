//! The command line, and how the process starts and ends.

use std::process::{Command, Output};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

use crate::running_server::{BINARY, RunningServer};

const EX_USAGE: i32 = 64;
const EX_NOUSER: i32 = 67;
const EX_OSERR: i32 = 71;

fn run(arguments: &[&str]) -> Output {
    Command::new(BINARY)
        .args(arguments)
        .output()
        .expect("the program runs")
}

#[track_caller]
fn expect_refusal(arguments: &[&str], status: i32, reason: &str) {
    let output = run(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
    assert!(said.contains(reason), "{arguments:?}: {said}");
}

#[test]
fn help_and_version_are_printed() {
    let help = run(&["-h"]);
    assert!(help.status.success());
    let text = String::from_utf8_lossy(&help.stdout);
    for flag in ["-p", "-l", "-t", "-m", "-c", "-U", "-u", "-v", "-h", "-V"] {
        assert!(text.contains(&format!("  {flag}, --")), "{flag} in {text}");
    }
    let version = run(&["-V"]);
    assert!(version.status.success());
    assert!(String::from_utf8_lossy(&version.stdout).starts_with("asc-memcached "));
}

#[test]
fn what_cannot_be_done_is_refused_at_the_start() {
    expect_refusal(&["-o", "modern,fast"], EX_USAGE, "\"fast\"");
    expect_refusal(&["-I", "1000"], EX_USAGE, "1024");
    expect_refusal(&["-t", "0"], EX_USAGE, "--threads");
    expect_refusal(&["-m", "many"], EX_USAGE, "--memory-limit");
    expect_refusal(&["-S"], EX_USAGE, "-S");
    expect_refusal(
        &["-l", "no.such.host.invalid"],
        EX_OSERR,
        "no.such.host.invalid",
    );
}

#[test]
fn a_port_that_is_taken_is_named() {
    let server = RunningServer::start(&[]);
    let port = server.address.port().to_string();
    expect_refusal(
        &["-l", "127.0.0.1", "-p", &port],
        EX_OSERR,
        &format!("127.0.0.1:{port}"),
    );
}

#[test]
fn all_of_memcacheds_usual_flags_are_accepted_together() {
    let server = RunningServer::start(&[
        "-t", "2", "-m", "32", "-c", "100", "-U", "0", "-vv", "-u", "nobody",
    ]);
    let mut client = server.connect();
    client.ask("set a 0 0 1\r\nx\r\n", "STORED\r\n");
    assert_eq!(client.statistic("settings", "maxbytes"), 32 << 20);
    assert_eq!(client.statistic("settings", "maxconns"), 100);
    assert_eq!(client.statistic("settings", "verbosity"), 2);
    client.ask("verbosity 0\r\n", "OK\r\n");
    assert_eq!(client.statistic("settings", "verbosity"), 0);
}

#[test]
fn root_becomes_the_user_and_others_ignore_the_flag() {
    let server = RunningServer::start(&["-u", "nobody"]);
    // It serves nobody before it has given up root.
    server.connect().ask("get a\r\n", "END\r\n");
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("a process");
    let owner = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .and_then(|line| line.split_whitespace().nth(1))
        .and_then(|uid| uid.parse::<u32>().ok())
        .expect("an effective user");
    if geteuid().is_root() {
        assert_ne!(owner, 0);
        expect_refusal(
            &["-l", "127.0.0.1", "-p", "-1", "-u", "no such user"],
            EX_NOUSER,
            "no such user",
        );
    } else {
        assert_eq!(owner, geteuid().as_raw());
    }
}

#[test]
fn incidents_have_a_file_from_the_start() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("incidents");
    let path = path.to_str().expect("a name");
    let server = RunningServer::start(&["--incident-log", path, "--on-fault", "retry(2)"]);
    server.connect().ask("get a\r\n", "END\r\n");
    assert_eq!(std::fs::read_to_string(path).expect("a file"), "");
    let nowhere = format!("{path}/none");
    expect_refusal(&["--incident-log", &nowhere], EX_OSERR, &nowhere);
    expect_refusal(&["--on-fault", "drop"], EX_USAGE, "its client waits");
}

#[test]
fn signals_end_the_process_in_order() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut server = RunningServer::start(&[]);
        server.connect().ask("get a\r\n", "END\r\n");
        let pid = i32::try_from(server.pid()).expect("a process number");
        kill(Pid::from_raw(pid), signal).expect("the process is ours");
        assert_eq!(server.wait().code(), Some(0));
    }
}
