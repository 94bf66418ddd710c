//! The end of the process.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use mio::Waker;
use nix::sys::signal::{Signal, raise};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;

use super::failure::Failure;
use super::shared::Shared;

/// Exits with status 0 on SIGINT and SIGTERM, as memcached does; on SIGUSR1 only after what was
/// received has been answered.
pub(super) fn watch_signals(shared: &Arc<Shared>, listener: Arc<Waker>) -> Result<(), Failure> {
    let failure = |error: std::io::Error| Failure::system("watch for signals", error);
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGUSR1]).map_err(failure)?;
    let shared = Arc::clone(shared);
    let wait = move || {
        for signal in signals.forever() {
            let name = match signal {
                SIGINT => "Interrupt",
                SIGTERM => "Terminated",
                _ => "User defined signal 1",
            };
            eprintln!("Signal handled: {name}.");
            if signal != SIGUSR1 {
                std::process::exit(0);
            }
            shared.stopping.store(true, Relaxed);
            if listener.wake().is_err() {
                std::process::exit(0);
            }
        }
    };
    thread::Builder::new()
        .name("signals".into())
        .spawn(wait)
        .map_err(failure)?;
    Ok(())
}

/// Ends the server, as if somebody had sent the signal.
pub(super) fn begin(graceful: bool) {
    let signal = if graceful {
        Signal::SIGUSR1
    } else {
        Signal::SIGINT
    };
    if raise(signal).is_err() {
        std::process::exit(0);
    }
}

/// Ends the process when the thread that owns it panics: a cache that goes on without one of its
/// threads answers some of its clients only.
#[derive(Debug)]
pub(crate) struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            std::process::abort();
        }
    }
}
