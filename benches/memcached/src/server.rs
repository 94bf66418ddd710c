//! A server process.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::machine::{self, Processor};
use crate::options::Contender;

/// Longest time until a server listens.
const START_PATIENCE: Duration = Duration::from_secs(20);
const START_CHECK_INTERVAL: Duration = Duration::from_millis(5);
/// Room for all items of a comparison, so that nothing is evicted, in MiB (`-m`).
pub(crate) const MEMORY_MIB: u32 = 4096;

/// A running server; ends with the value.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: String,
    child: Child,
    pub(crate) address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Server {
    /// Starts the contender with `threads` workers, on this processor if one is given, and waits
    /// until it listens on a free port.
    pub(crate) fn start(
        contender: &Contender,
        threads: u16,
        processor: Option<Processor>,
    ) -> Result<Self, Failure> {
        let directory = tempfile::tempdir()?;
        let port_file = directory.path().join("port");
        let mut command = Command::new(&contender.program);
        command
            .args(["-l", "127.0.0.1", "-p", "-1", "-U", "0", "-u", "root"])
            .args(["-m", &MEMORY_MIB.to_string(), "-t", &threads.to_string()])
            .env("MEMCACHED_PORT_FILENAME", &port_file)
            .stdin(Stdio::null());
        // A child inherits where its parent may run.
        let spawned = machine::on_processor(processor, || command.spawn())?;
        let child = spawned.map_err(|error| {
            Failure::new(
                format!("start {}", contender.program.display()),
                error,
                "install it (Debian: apt-get install memcached) or name another with --server",
            )
        })?;
        let mut server = Self {
            name: contender.name.clone(),
            child,
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            _directory: directory,
        };
        let port = server.wait_for_port(&port_file)?;
        server.address.set_port(port);
        Ok(server)
    }

    /// Process number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends `request` and reads exactly as many bytes as are expected.
    pub(crate) fn ask(&self, request: &[u8], expected: &[u8]) -> Result<(), Failure> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.write_all(request)?;
        let mut reply = vec![0; expected.len()];
        stream.read_exact(&mut reply)?;
        if reply == expected {
            return Ok(());
        }
        let found = String::from_utf8_lossy(&reply[..reply.len().min(200)]).into_owned();
        Err(Failure::server(&self.name, format!("it answers {found:?}")))
    }

    fn wait_for_port(&mut self, file: &Path) -> Result<u16, Failure> {
        let deadline = Instant::now() + START_PATIENCE;
        while Instant::now() < deadline {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let port = text
                .lines()
                .find_map(|line| line.strip_prefix("TCP INET: "))
                .and_then(|port| port.parse().ok());
            if let Some(port) = port {
                return Ok(port);
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(Failure::server(
                    &self.name,
                    format!("it ended before it listened: {status}"),
                ));
            }
            std::thread::sleep(START_CHECK_INTERVAL);
        }
        Err(Failure::server(
            &self.name,
            format!("it does not listen after {START_PATIENCE:?}"),
        ))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
