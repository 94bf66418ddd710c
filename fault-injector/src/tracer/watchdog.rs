//! Ends copies that do not come to an end themselves.
//!
//! A copy counts as hung when it has used more processor time than any right one by a wide margin,
//! or when it sleeps although nobody will wake it. Time on the wall does not count: a busy machine
//! must not change a result.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

/// Time between two looks.
const PERIOD: Duration = Duration::from_millis(10);
/// Looks in a row at which a sleeping copy is given up.
const SLEEPING_LOOKS_MAX: u32 = 100;

/// Watches one copy at a time.
#[derive(Debug)]
pub struct Watchdog {
    shared: Arc<Mutex<Shared>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    watched: Option<Watched>,
    bitten: bool,
    over: bool,
}

#[derive(Debug)]
struct Watched {
    pid: Pid,
    limit: Duration,
    sleeping_looks: u32,
}

impl Watchdog {
    /// A watchdog with nothing to watch.
    pub fn start() -> Self {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let of_thread = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            while look(&of_thread) {
                thread::sleep(PERIOD);
            }
        });
        Self {
            shared,
            thread: Some(thread),
        }
    }

    /// Watches `pid` while `body` runs; says whether it had to be ended. `limit` is of processor
    /// time.
    pub fn watch<T>(&self, pid: Pid, limit: Duration, body: impl FnOnce() -> T) -> (T, bool) {
        {
            let mut shared = lock(&self.shared);
            shared.bitten = false;
            shared.watched = Some(Watched {
                pid,
                limit,
                sleeping_looks: 0,
            });
        }
        let result = body();
        let mut shared = lock(&self.shared);
        shared.watched = None;
        (result, shared.bitten)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        lock(&self.shared).over = true;
        if let Some(thread) = self.thread.take() {
            // A watchdog that panicked has nothing more to say.
            let _ = thread.join();
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One look; says whether there will be another.
fn look(shared: &Mutex<Shared>) -> bool {
    let mut shared = lock(shared);
    if shared.over {
        return false;
    }
    if shared.watched.as_mut().is_some_and(Watched::is_hung)
        && let Some(watched) = shared.watched.take()
    {
        shared.bitten = true;
        // It may have ended meanwhile.
        let _ = kill(watched.pid, Signal::SIGKILL);
    }
    true
}

impl Watched {
    fn is_hung(&mut self) -> bool {
        if self.sleeps() {
            self.sleeping_looks += 1;
        } else {
            self.sleeping_looks = 0;
        }
        self.sleeping_looks > SLEEPING_LOOKS_MAX || self.processor_time() > Some(self.limit)
    }

    fn processor_time(&self) -> Option<Duration> {
        let clock = clock_getcpuclockid(self.pid).ok()?;
        Some(clock_gettime(clock).ok()?.into())
    }

    fn sleeps(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        let state = stat.rsplit(") ").next().unwrap_or_default();
        state.starts_with('S')
    }
}
