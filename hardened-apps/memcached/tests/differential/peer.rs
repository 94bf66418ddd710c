//! A server of the comparison.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
const STOCK: &str = "memcached";
const STOCK_VERSION: &str = "memcached 1.6.18";

pub(crate) struct Peer {
    child: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Peer {
    /// memcached, as installed.
    pub(crate) fn stock() -> Self {
        let version = Command::new(STOCK).arg("-V").output();
        let version = version.unwrap_or_else(|error| {
            panic!(
                "{STOCK} does not start: {error}; this test needs it (apt-get install memcached)"
            )
        });
        let version = String::from_utf8_lossy(&version.stdout).into_owned();
        assert!(
            version.starts_with(STOCK_VERSION),
            "this test compares with {STOCK_VERSION}, and {STOCK} is {version:?}"
        );
        Self::start(STOCK)
    }

    /// The server under test.
    pub(crate) fn own() -> Self {
        Self::start(env!("CARGO_BIN_EXE_asc-memcached"))
    }

    /// Sends all of this, and returns all that comes back until the server closes.
    pub(crate) fn converse(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut sender = stream.try_clone().expect("a second handle");
        let request = request.to_vec();
        let sending = std::thread::spawn(move || {
            // The server closes early when it is told to quit.
            let _ = sender.write_all(&request);
            let _ = sender.shutdown(Shutdown::Write);
        });
        let mut reply = Vec::new();
        // What came before a reset counts: the rest of the request was not wanted.
        let _ = stream.read_to_end(&mut reply);
        sending.join().expect("sending does not panic");
        reply
    }

    fn start(program: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let port_file = directory.path().join("port");
        let mut child = Command::new(program)
            .args([
                "-l",
                "127.0.0.1",
                "-p",
                "-1",
                "-U",
                "0",
                "-t",
                "1",
                "-u",
                "root",
            ])
            // memcached's maintenance holds items now and then, and `decr` of such an item gives
            // it another length.
            .args(["-o", "no_modern"])
            .env("MEMCACHED_PORT_FILENAME", &port_file)
            .stdin(Stdio::null())
            .spawn()
            .expect("the server starts");
        let deadline = Instant::now() + PATIENCE;
        let port = loop {
            if let Ok(text) = std::fs::read_to_string(&port_file)
                && let Some(port) = text.trim().strip_prefix("TCP INET: ")
            {
                break port.parse().expect("a port number");
            }
            let ended = child.try_wait().expect("the child is ours");
            assert!(ended.is_none(), "{program} ended before it listened");
            assert!(
                Instant::now() < deadline,
                "{program} did not listen in {PATIENCE:?}"
            );
            std::thread::sleep(Duration::from_millis(5));
        };
        Self {
            child,
            port,
            _directory: directory,
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
