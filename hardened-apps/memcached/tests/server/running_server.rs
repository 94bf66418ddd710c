//! A server process of a test, and connections to it.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest time for anything to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The program under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_asc-memcached");

/// How the handlers of the program under test are protected: it is built as the tests are.
pub(crate) fn expected_mode() -> &'static str {
    if cfg!(all(feature = "page", not(asc))) {
        "page"
    } else {
        asc_runtime::mode().name()
    }
}

/// A server on a port of its own; ends with the test.
pub(crate) struct RunningServer {
    child: Child,
    pub(crate) address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl RunningServer {
    /// Starts the server with these arguments on a free loopback port.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let port_file = directory.path().join("port");
        let child = Command::new(BINARY)
            .args(["-l", "127.0.0.1", "-p", "-1", "-u", "root"])
            .args(arguments)
            .env("MEMCACHED_PORT_FILENAME", &port_file)
            .stdin(Stdio::null())
            .spawn()
            .expect("the server starts");
        let mut server = Self {
            child,
            address: ([127, 0, 0, 1], 0).into(),
            _directory: directory,
        };
        let port = server.wait_for_port(&port_file);
        server.address = (Ipv4Addr::LOCALHOST, port).into();
        server
    }

    /// The same with this port for datagrams.
    pub(crate) fn start_with_udp(port: u16) -> Self {
        Self::start(&["-U", &port.to_string()])
    }

    /// Process number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).expect("the server accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("an option of the socket");
        Client { stream }
    }

    /// Waits until the process has ended by itself.
    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "the server did not end in {PATIENCE:?}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn wait_for_port(&mut self, file: &PathBuf) -> u16 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(text) = std::fs::read_to_string(file) {
                let port = text
                    .lines()
                    .next()
                    .and_then(|line| line.strip_prefix("TCP INET: "))
                    .and_then(|port| port.parse().ok());
                return port.unwrap_or_else(|| panic!("the port file holds {text:?}"));
            }
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                panic!("the server ended before it listened: {status}");
            }
            assert!(
                Instant::now() < deadline,
                "the server did not listen in {PATIENCE:?}"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection that says exactly what it expects to hear.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
}

impl Client {
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream
            .write_all(bytes.as_ref())
            .expect("the server takes the request");
    }

    /// Reads as many bytes as are expected and compares them.
    #[track_caller]
    pub(crate) fn expect(&mut self, expected: impl AsRef<[u8]>) {
        let expected = expected.as_ref();
        let mut bytes = vec![0; expected.len()];
        let mut filled = 0;
        while filled < bytes.len() && bytes[..filled] == expected[..filled] {
            match self.stream.read(&mut bytes[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) => panic!(
                    "{error} after {}, expected {}",
                    shorten(&bytes[..filled]),
                    shorten(expected)
                ),
            }
        }
        assert!(
            bytes[..filled] == *expected,
            "received {}, expected {}",
            shorten(&bytes[..filled]),
            shorten(expected)
        );
    }

    #[track_caller]
    pub(crate) fn ask(&mut self, request: impl AsRef<[u8]>, expected: impl AsRef<[u8]>) {
        self.send(request);
        self.expect(expected);
    }

    /// The server closes the connection without another byte.
    #[track_caller]
    pub(crate) fn expect_close(&mut self) {
        let mut byte = [0];
        match self.stream.read(&mut byte) {
            Ok(0) => {}
            Ok(_) => panic!("received {} instead of the end", byte.escape_ascii()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the connection stays open: {error}"),
        }
    }

    /// Everything up to and including `END`.
    pub(crate) fn read_until_end(&mut self) -> String {
        let mut text = Vec::new();
        let mut byte = [0];
        while !text.ends_with(b"END\r\n") {
            self.stream.read_exact(&mut byte).expect("more until END");
            text.push(byte[0]);
        }
        String::from_utf8(text).expect("statistics are text")
    }

    /// `stats <kind>` as names and values, in order.
    pub(crate) fn statistics(&mut self, kind: &str) -> Vec<(String, String)> {
        self.send(format!("stats {kind}\r\n"));
        let text = self.read_until_end();
        let lines = text
            .strip_suffix("END\r\n")
            .expect("the end")
            .split_terminator("\r\n");
        lines
            .map(|line| {
                let statistic = line.strip_prefix("STAT ").expect("a statistic");
                let (name, value) = statistic.split_once(' ').expect("a name and a value");
                (name.to_string(), value.to_string())
            })
            .collect()
    }

    /// One value of `stats <kind>`.
    #[track_caller]
    pub(crate) fn statistic(&mut self, kind: &str, name: &str) -> u64 {
        let all = self.statistics(kind);
        let found = all.iter().find(|(candidate, _)| candidate == name);
        let (_, value) = found.unwrap_or_else(|| panic!("no {name} in {all:?}"));
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is {value}"))
    }
}

fn shorten(bytes: &[u8]) -> String {
    const SHOWN_MAX: usize = 400;
    let shown = &bytes[..bytes.len().min(SHOWN_MAX)];
    let rest = bytes.len() - shown.len();
    let more = if rest > 0 {
        format!(" and {rest} bytes more")
    } else {
        String::new()
    };
    format!("\"{}\"{more}", shown.escape_ascii())
}
