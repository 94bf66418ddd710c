//! What the processors did: the server's share, ours, and everybody else's.

use std::io;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use procfs::process::Process;
use procfs::{CurrentSI as _, KernelStats};

use crate::failure::Failure;

/// The number of a processor.
pub(crate) type Processor = usize;

/// The processors that this process may use.
pub(crate) fn processors() -> Result<Vec<Processor>, Failure> {
    let allowed = sched_getaffinity(Pid::from_raw(0)).map_err(Failure::accounting)?;
    Ok((0..CpuSet::count())
        .filter(|number| allowed.is_set(*number).unwrap_or(false))
        .collect())
}

/// Calls `action` while this thread is confined to `processor`, if one is given.
pub(crate) fn on_processor<R>(
    processor: Option<Processor>,
    action: impl FnOnce() -> R,
) -> Result<R, Failure> {
    let Some(processor) = processor else {
        return Ok(action());
    };
    let this_thread = Pid::from_raw(0);
    let before = sched_getaffinity(this_thread).map_err(Failure::accounting)?;
    let mut only = CpuSet::new();
    only.set(processor).map_err(Failure::accounting)?;
    sched_setaffinity(this_thread, &only).map_err(Failure::accounting)?;
    let result = action();
    sched_setaffinity(this_thread, &before).map_err(Failure::accounting)?;
    Ok(result)
}

/// Processor time used so far, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Accounts {
    /// Of all threads of the server, to the nanosecond.
    server: f64,
    /// Of these, in user mode; in ticks of usually 10 ms.
    server_user: f64,
    server_kernel: f64,
    generator: f64,
    /// Of everybody, in ticks; that of the hypervisor's other guests apart.
    busy: f64,
    stolen: f64,
}

/// What was used between two accounts, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Usage {
    /// By the server.
    pub(crate) server: f64,
    /// Of that, in user mode.
    pub(crate) server_user: f64,
    /// By other processes and other guests.
    pub(crate) foreign: f64,
}

impl Accounts {
    /// As they stand for the server with this process number.
    pub(crate) fn read(server: u32) -> Result<Self, Failure> {
        let per_second = procfs::ticks_per_second() as f64;
        let server = Process::new(server as i32).map_err(Failure::accounting)?;
        let stat = server.stat().map_err(Failure::accounting)?;
        let own = Process::myself().map_err(Failure::accounting)?;
        let total = KernelStats::current().map_err(Failure::accounting)?.total;
        let interrupts = total.irq.unwrap_or(0) + total.softirq.unwrap_or(0);
        let busy = total.user + total.nice + total.system + interrupts;
        Ok(Self {
            server: thread_seconds(&server)?,
            server_user: stat.utime as f64 / per_second,
            server_kernel: stat.stime as f64 / per_second,
            generator: thread_seconds(&own)?,
            busy: busy as f64 / per_second,
            stolen: total.steal.unwrap_or(0) as f64 / per_second,
        })
    }

    /// What was used since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Usage {
        let server = self.server - earlier.server;
        let user = self.server_user - earlier.server_user;
        let kernel = self.server_kernel - earlier.server_kernel;
        let ticks = user + kernel;
        let ours = server + self.generator - earlier.generator;
        let others = (self.busy - earlier.busy - ours).max(0.0);
        Usage {
            server,
            server_user: if ticks > 0.0 {
                server * user / ticks
            } else {
                0.0
            },
            foreign: others + self.stolen - earlier.stolen,
        }
    }
}

/// Seconds that the threads of a process have run; those that have ended do not count.
fn thread_seconds(process: &Process) -> Result<f64, Failure> {
    let mut nanoseconds = 0;
    for thread in process.tasks().map_err(Failure::accounting)? {
        let schedule = thread.and_then(|thread| thread.schedstat());
        nanoseconds += schedule.map_err(Failure::accounting)?.sum_exec_runtime;
    }
    Ok(nanoseconds as f64 / 1e9)
}

/// Bytes of main memory that the process occupies.
pub(crate) fn resident_bytes(process: u32) -> Result<u64, Failure> {
    let process = Process::new(process as i32).map_err(Failure::accounting)?;
    let status = process.status().map_err(Failure::accounting)?;
    let kibibytes = status.vmrss.ok_or_else(|| {
        Failure::accounting(io::Error::other(
            "the process says nothing about its memory",
        ))
    })?;
    Ok(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn time_of_the_server_and_of_others_is_told_apart() {
        let earlier = Accounts {
            server: 1.0,
            server_user: 0.5,
            server_kernel: 0.5,
            generator: 1.0,
            busy: 10.0,
            stolen: 0.0,
        };
        let later = Accounts {
            server: 2.0,
            server_user: 0.75,
            server_kernel: 1.25,
            generator: 1.5,
            busy: 11.75,
            stolen: 0.125,
        };
        let usage = later.since(&earlier);
        assert_eq!((usage.server, usage.server_user), (1.0, 0.25));
        assert_eq!(usage.foreign, 0.25 + 0.125);
    }

    #[test]
    fn own_work_is_accounted_for() {
        let before = Accounts::read(std::process::id()).unwrap();
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(30) {
            std::hint::spin_loop();
        }
        let used = Accounts::read(std::process::id()).unwrap().since(&before);
        assert!(used.server > 0.0, "{used:?}");
        assert!(resident_bytes(std::process::id()).unwrap() > 100_000);
    }

    #[test]
    fn a_thread_returns_to_its_processors() {
        let all = processors().unwrap();
        let inside = on_processor(Some(all[0]), processors).unwrap().unwrap();
        assert_eq!(inside, [all[0]]);
        assert_eq!(processors().unwrap(), all);
    }
}
