//! The hardened server: built once, started on a port of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

pub(crate) const PACKAGE: &str = "reservations-hardened";
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The built server.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    cargo_asc(&["build", "--quiet", "--package", PACKAGE]);
    target_directory()
        .join("asc")
        .join(TARGET)
        .join("debug")
        .join(PACKAGE)
});

/// Runs this workspace's `cargo asc`, which must succeed.
pub(crate) fn cargo_asc(arguments: &[&str]) {
    let mut command = Command::new(env!("CARGO"));
    command.args([
        "run",
        "--quiet",
        "--release",
        "--package",
        "cargo-asc",
        "--target-dir",
    ]);
    command
        .arg(target_directory())
        .args(["--", "asc"])
        .args(arguments);
    command.env("CARGO_TARGET_DIR", target_directory());
    let output = command.output().expect("cargo starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{said}",
        output.status
    );
}

/// The target directory that this test was built into.
fn target_directory() -> PathBuf {
    let own = std::env::current_exe().expect("a test knows where it lies");
    let directory = own.ancestors().nth(3).map(Path::to_owned);
    directory.expect("tests lie in a profile's directory")
}

/// A running server; it ends with the test.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts it with these environment variables.
    pub(crate) fn start(environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(&*PROGRAM);
        command.arg("127.0.0.1:0").envs(environment.iter().copied());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the server starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("the server says where it listens");
        let address = line.trim_end().strip_prefix("listening on ");
        let address = address.and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("no address in {line:?}"));
        Self { child, address }
    }

    pub(crate) fn program() -> &'static Path {
        &PROGRAM
    }

    /// Ends it; returns what it said on standard error.
    pub(crate) fn stop(&mut self) -> String {
        // It may have ended by itself.
        let _ = self.child.kill();
        let mut said = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut said).expect("it speaks UTF-8");
        }
        let _ = self.child.wait();
        said
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
