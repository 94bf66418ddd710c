//! The end of the process.

use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::failure::Failure;

/// Exits with status 0 on SIGINT and SIGTERM, as memcached does.
pub(crate) fn exit_on_signals() -> Result<(), Failure> {
    let failure = |error: std::io::Error| Failure::system("watch for signals", error);
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failure)?;
    let wait = move || {
        if let Some(signal) = signals.forever().next() {
            let name = if signal == SIGINT {
                "Interrupt"
            } else {
                "Terminated"
            };
            eprintln!("Signal handled: {name}.");
            std::process::exit(0);
        }
    };
    thread::Builder::new()
        .name("signals".into())
        .spawn(wait)
        .map_err(failure)?;
    Ok(())
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
