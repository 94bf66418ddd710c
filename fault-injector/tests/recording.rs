//! `record --listen` between a real client and the real server, and a campaign over what was recorded.
#![cfg(feature = "injector")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use fault_injector::live::server::{Server, Setup};
use fault_injector::program::{self, Build};
use fault_injector::trace::Trace;
use nix::sys::signal::{Signal, kill};

/// The release that the session was written for.
const CLIENT: &str = "pymemcache==4.0.0";
/// What the client does, and what it is answered by the real server behind the recorder.
const SESSION: &str = r#"
import sys
from pymemcache.client.base import Client

client = Client(("127.0.0.1", int(sys.argv[1])))
assert client.set("ada", b"lovelace", noreply=False)
assert client.get("ada") == b"lovelace"
assert client.append("ada", b"!", noreply=False)
assert client.get_many(["ada", "grace"]) == {"ada": b"lovelace!"}
assert client.set("count", b"41", noreply=False)
assert client.incr("count", 1) == 42
assert client.delete("ada", noreply=False)
assert client.get("ada") is None
client.close()
print("session complete")
"#;
const SENT: [&[u8]; 8] = [
    b"set ada 0 0 8\r\nlovelace\r\n",
    b"get ada\r\n",
    b"append ada 0 0 1\r\n!\r\n",
    b"get ada grace\r\n",
    b"set count 0 0 2\r\n41\r\n",
    b"incr count 1\r\n",
    b"delete ada\r\n",
    b"get ada\r\n",
];

#[test]
fn what_a_real_client_sends_can_be_struck() {
    let python = python_with_client();
    let server = RunningServer::start();
    let target = program::build("cache", Build::Plain).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("trace");
    let recorder = inject(&target, "record")
        .args(["--listen", "127.0.0.1:0", "--to"])
        .arg(server.0.address.to_string())
        .arg("--output")
        .arg(&trace)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let port = port_of(recorder, |port| {
        let session = Command::new(&python)
            .args(["-c", SESSION, port])
            .output()
            .unwrap();
        assert_succeeded("the session", &session);
    });
    assert_ne!(port, server.0.address.port().to_string());
    let recorded = Trace::decode(&std::fs::read(&trace).unwrap()).unwrap();
    assert_eq!(recorded.requests, SENT);

    let results = directory.path().join("results.jsonl");
    let run = inject(&target, "run")
        .arg("--trace")
        .arg(&trace)
        .args(["--injections", "300", "--output"])
        .arg(&results)
        .output()
        .unwrap();
    assert_succeeded("the campaign", &run);
    let (header, records) = fault_injector::journal::read(&results).unwrap();
    assert_eq!(header.requests as usize, SENT.len());
    assert!(records.len() >= 300);
}

/// Lets `body` use the recorder's port, and waits until it has recorded.
fn port_of(mut recorder: Child, body: impl FnOnce(&str)) -> String {
    let mut said = BufReader::new(recorder.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("recording") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it never listened");
    }
    let port = line.trim().rsplit(':').next().unwrap().to_owned();
    body(&port);
    assert!(recorder.wait().unwrap().success());
    port
}

fn inject(target: &Path, command: &str) -> Command {
    let mut inject = Command::new(env!("CARGO_BIN_EXE_asc-inject"));
    inject
        .args([
            command,
            "--target",
            "cache",
            "--build",
            "plain",
            "--program",
        ])
        .arg(target);
    inject
}

/// The real server.
struct RunningServer(Server);

impl RunningServer {
    fn start() -> Self {
        let setup = Setup {
            program: program::build_server("memcached", Build::Plain).unwrap(),
            threads: 2,
            arguments: Vec::new(),
        };
        Self(Server::start(&setup).unwrap())
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        // It has not been waited for, so its number is its own.
        let _ = kill(self.0.pid(), Signal::SIGKILL);
    }
}

/// The interpreter of an environment with the client, made once.
fn python_with_client() -> PathBuf {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pymemcache-environment");
    let python = environment.join("bin/python");
    let ready = environment.join(CLIENT);
    if !ready.exists() {
        let made = Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&environment)
            .output()
            .expect("this test needs python3 with venv and pip");
        assert_succeeded("a Python environment", &made);
        let installed = Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", CLIENT])
            .output()
            .unwrap();
        assert_succeeded("installing the client", &installed);
        std::fs::write(&ready, "").unwrap();
    }
    python
}

fn assert_succeeded(what: &str, output: &std::process::Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {said}");
}
