//! Notices a server that hangs.
//!
//! It hangs when a reply is missing and, since the last one came, it has used more processor time
//! than any healthy server by a wide margin, or all its threads have been asleep at every look
//! for seconds. Time on the wall alone does not count: a busy machine must not change a result.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use super::threads::tasks;

/// Time between two looks.
const PERIOD: Duration = Duration::from_millis(10);
/// Looks in a row at which all threads sleep and nothing has come of it.
const SLEEPING_LOOKS_MAX: u32 = 300;
/// Processor time without a reply. Stepping counts, of which a long handler takes half a second.
const PROCESSOR_TIME_MAX: Duration = Duration::from_secs(3);

/// Watches one server and ends it when it hangs.
#[derive(Debug)]
pub struct Vigil {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    over: AtomicBool,
    bitten: AtomicBool,
}

impl Vigil {
    /// Watches `process`, of whose progress `replies` tells.
    pub fn over(process: Pid, replies: &Arc<AtomicU64>) -> Self {
        let shared = Arc::new(Shared::default());
        let mut looks = Looks {
            process,
            replies: Arc::clone(replies),
            last_replies: 0,
            processor_time: Duration::ZERO,
            sleeping: 0,
        };
        let of_thread = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            while !of_thread.over.load(Relaxed) {
                if looks.find_hung() {
                    of_thread.bitten.store(true, Relaxed);
                    // It may have ended meanwhile.
                    let _ = kill(process, Signal::SIGKILL);
                    return;
                }
                thread::sleep(PERIOD);
            }
        });
        Self {
            shared,
            thread: Some(thread),
        }
    }

    /// Whether the server had to be ended.
    pub fn has_bitten(&self) -> bool {
        self.shared.bitten.load(Relaxed)
    }

    /// Ends the watch. Afterwards the process may be reaped.
    pub fn end(&mut self) {
        self.shared.over.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            // A watch that panicked has nothing more to say.
            let _ = thread.join();
        }
    }
}

impl Drop for Vigil {
    fn drop(&mut self) {
        self.end();
    }
}

/// What was seen so far.
struct Looks {
    process: Pid,
    replies: Arc<AtomicU64>,
    last_replies: u64,
    /// When the last reply came.
    processor_time: Duration,
    sleeping: u32,
}

impl Looks {
    fn find_hung(&mut self) -> bool {
        let now = self.processor_time();
        let replies = self.replies.load(Relaxed);
        if replies != self.last_replies {
            self.last_replies = replies;
            self.processor_time = now;
            self.sleeping = 0;
        }
        self.sleeping = if self.all_sleep() {
            self.sleeping + 1
        } else {
            0
        };
        self.sleeping > SLEEPING_LOOKS_MAX
            || now.saturating_sub(self.processor_time) > PROCESSOR_TIME_MAX
    }

    fn processor_time(&self) -> Duration {
        clock_getcpuclockid(self.process)
            .and_then(clock_gettime)
            .map_or(Duration::ZERO, Duration::from)
    }

    fn all_sleep(&self) -> bool {
        let threads = tasks(self.process).unwrap_or_default();
        !threads.is_empty()
            && threads.iter().all(|thread| {
                let path = format!("/proc/{}/task/{thread}/stat", self.process);
                let stat = fs::read_to_string(path).unwrap_or_default();
                let state = stat.rsplit(") ").next().unwrap_or_default();
                state.starts_with('S')
            })
    }
}
