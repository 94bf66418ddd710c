//! One life of the server: started, listening, and ended whatever happens.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::personality::{self, Persona};
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::Pid;

use crate::failure::{Failure, Result};
use crate::tracer::launch::memory_file;

/// Longest time until a server listens.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_INTERVAL: Duration = Duration::from_millis(1);
/// Where memcached, and whoever serves in its place, says which port it has chosen.
const PORT_VARIABLE: &str = "MEMCACHED_PORT_FILENAME";
/// Address space of a server: a wild length must not bring the machine down.
const ADDRESS_SPACE_BYTES_MAX: u64 = 64 << 30;

/// How servers are started.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The executable.
    pub program: PathBuf,
    /// Its worker threads.
    pub threads: usize,
    /// Further arguments.
    pub arguments: Vec<String>,
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its standard error.
    pub errors: File,
}

impl Server {
    /// Starts a server on a free port of the loopback interface, without address randomisation.
    pub fn start(setup: &Setup) -> Result<Self> {
        let errors = memory_file(c"errors")?;
        let directory =
            tempfile::tempdir().map_err(|error| Failure::system("a directory", error))?;
        let port_file = directory.path().join("port");
        let mut child = command(setup, &port_file, &errors)?
            .spawn()
            .map_err(|error| Failure::file("to start the server", &setup.program, error))?;
        match wait_for_port(&mut child, &port_file) {
            Ok(port) => Ok(Self {
                child,
                address: (Ipv4Addr::LOCALHOST, port).into(),
                errors,
            }),
            Err(failure) => {
                // It may have ended already.
                let _ = child.kill();
                let _ = child.wait();
                Err(failure)
            }
        }
    }

    /// Its process number.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }
}

fn command(setup: &Setup, port_file: &Path, errors: &File) -> Result<Command> {
    let errors = errors
        .try_clone()
        .map_err(|error| Failure::system("a descriptor", error))?;
    let mut command = Command::new(&setup.program);
    command
        .args(["-l", "127.0.0.1", "-p", "-1", "-u", "root", "-t"])
        .arg(setup.threads.to_string())
        .args(&setup.arguments)
        .env_clear()
        .env(PORT_VARIABLE, port_file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors);
    // SAFETY: between fork and exec only async-signal-safe calls are made, and nothing is allocated.
    unsafe { command.pre_exec(prepare) };
    Ok(command)
}

/// The same addresses in every life; no core files.
fn prepare() -> std::io::Result<()> {
    personality::set(Persona::ADDR_NO_RANDOMIZE)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    setrlimit(
        Resource::RLIMIT_AS,
        ADDRESS_SPACE_BYTES_MAX,
        ADDRESS_SPACE_BYTES_MAX,
    )?;
    Ok(())
}

fn wait_for_port(child: &mut Child, file: &Path) -> Result<u16> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = fs::read_to_string(file).unwrap_or_default();
        if let Some(port) = port_in(&text) {
            return Ok(port);
        }
        let found = match child.try_wait() {
            Ok(Some(status)) => format!("it ended with {status}"),
            _ if Instant::now() > deadline => format!("nothing in {PATIENCE:?}"),
            _ => {
                thread::sleep(LOOK_INTERVAL);
                continue;
            }
        };
        return Err(Failure::new(
            format!("the server to write its port to the file named by {PORT_VARIABLE}"),
            found,
            "start it by hand with `-l 127.0.0.1 -p -1 -u root` and this variable, as memcached takes them",
        ));
    }
}

fn port_in(text: &str) -> Option<u16> {
    let line = text.strip_suffix('\n')?.lines().next()?;
    line.strip_prefix("TCP INET: ")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_counts_when_its_line_is_whole() {
        assert_eq!(port_in("TCP INET: 4711\n"), Some(4711));
        assert_eq!(port_in("TCP INET: 47"), None);
        assert_eq!(port_in(""), None);
    }

    #[test]
    fn a_program_that_does_not_serve_is_named() {
        let setup = Setup {
            program: "/bin/true".into(),
            threads: 2,
            arguments: Vec::new(),
        };
        let failure = Server::start(&setup).unwrap_err().to_string();
        assert!(failure.contains("it ended with"), "{failure}");
    }
}
