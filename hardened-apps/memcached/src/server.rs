//! Everything around the handler: sockets, threads, time.
//!
//! 1. `daemon` sends the process into the background if it is to go there; `sockets` opens the
//!    sockets; `privileges` gives up root.
//! 2. The main thread accepts connections (`listener`) and hands them to the workers in turn.
//! 3. Each `worker` runs an event loop over its connections; one also serves `datagrams`.
//! 4. A `connection` reads, frames, executes and sends; `execution` calls the handlers;
//!    `administration` does what is about the server and not about items.
//! 5. `maintenance` balances the LRU and crawls for dead items.
//! 6. `metrics` tells Prometheus how it goes, if that is asked for.
//! 7. SIGINT or SIGTERM ends the process, SIGUSR1 after what was received is answered.

pub mod failure;

mod administration;
mod authentication;
mod buffers;
mod clock;
mod connection;
mod connection_record;
mod daemon;
mod datagrams;
mod details;
mod execution;
mod gathering;
mod input_buffer;
mod listener;
mod log;
mod maintenance;
mod metrics;
#[cfg(all(feature = "page", not(asc)))]
mod page_mode;
#[cfg(not(all(feature = "page", not(asc))))]
#[path = "server/page_mode_disabled.rs"]
mod page_mode;
mod privileges;
mod settings;
mod shared;
mod size_classes;
mod sockets;
mod stream;
mod tally;
mod termination;
mod worker;

use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use asc_runtime::Setup;
use failure::Failure;
use listener::Listener;
use metrics::Metrics;
use shared::Shared;
use sockets::Sockets;
use worker::WorkerHandle;

use crate::options::Options;

/// How long the end waits for peers that do not read.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
const STOP_CHECK_INTERVAL: Duration = Duration::from_millis(5);

/// Serves until the process is told to stop.
///
/// # Errors
/// Says what could not be set up.
pub fn run(options: &Options) -> Result<(), Failure> {
    prepare_for_faults(options)?;
    privileges::raise_file_limit(options.conn_limit)?;
    let sockets = Sockets::open(options)?;
    let metrics = options.metrics.map(Metrics::open).transpose()?;
    privileges::drop_root(options.user.as_deref())?;
    daemon::prepare_process(options)?;
    if let (true, Some(path)) = (options.daemon, &options.pidfile) {
        daemon::write_pid_file(path)?;
    }
    page_mode::start()?;
    let shared = Arc::new(Shared::new(options)?);
    for socket in &sockets.listening {
        shared
            .records
            .add_listening(socket.file(), socket.address());
    }
    for socket in &sockets.datagrams {
        let address = socket.local_addr().map(|address| format!("udp:{address}"));
        shared
            .records
            .add_listening(socket.as_raw_fd(), address.unwrap_or_default());
    }
    let listener = Listener::new(sockets.listening)?;
    termination::watch_signals(&shared, listener.waker()?)?;
    let mut datagrams = sockets.datagrams;
    let workers = (0..usize::from(options.threads))
        .map(|number| WorkerHandle::start(number, &shared, std::mem::take(&mut datagrams)))
        .collect::<Result<Vec<_>, _>>()?;
    maintenance::start(&shared)?;
    if let Some(metrics) = metrics {
        metrics.start(&shared)?;
    }
    listener.accept_until_stopped(&shared, &workers)?;
    finish(&workers);
    Ok(())
}

/// Says what happens when a handler is struck, and where that is written down.
fn prepare_for_faults(options: &Options) -> Result<(), Failure> {
    let mut setup = Setup::new().on_fault(options.on_fault);
    if let Some(path) = &options.incident_log {
        setup = setup.incident_file(path);
    }
    let failure = |error| Failure::system("prepare for faults", error);
    setup.install().map_err(failure)
}

/// Waits until the workers have answered what they have received.
fn finish(workers: &[WorkerHandle]) {
    workers.iter().for_each(WorkerHandle::wake);
    let deadline = Instant::now() + STOP_PATIENCE;
    while !workers.iter().all(WorkerHandle::has_ended) && Instant::now() < deadline {
        thread::sleep(STOP_CHECK_INTERVAL);
    }
}
