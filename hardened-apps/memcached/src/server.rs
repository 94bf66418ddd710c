//! Everything around the handler: sockets, threads, time.
//!
//! 1. `listener` binds the sockets; `privileges` gives up root.
//! 2. The main thread accepts connections and hands them to the workers in turn.
//! 3. Each `worker` runs an event loop over its connections.
//! 4. A `connection` reads, frames, executes and sends; `execution` calls the handlers.
//! 5. SIGINT or SIGTERM ends the process.

pub mod failure;

mod buffers;
mod clock;
mod connection;
mod execution;
mod gathering;
mod input_buffer;
mod listener;
mod log;
mod privileges;
mod shared;
mod termination;
mod worker;

use std::sync::Arc;

use failure::Failure;
use listener::Listener;
use shared::Shared;
use worker::WorkerHandle;

use crate::options::Options;

/// Serves until the process is told to stop.
///
/// # Errors
/// Says what could not be set up.
pub fn run(options: &Options) -> Result<(), Failure> {
    termination::exit_on_signals()?;
    privileges::raise_file_limit(options.conn_limit)?;
    let shared = Arc::new(Shared::new(options)?);
    let listener = Listener::bind(options)?;
    privileges::drop_root(options.user.as_deref())?;
    let workers = (0..usize::from(options.threads))
        .map(|number| WorkerHandle::start(number, &shared))
        .collect::<Result<Vec<_>, _>>()?;
    listener.accept_forever(&shared, &workers)
}
