//! Running in the background.

use std::fs;
use std::path::Path;

use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};
use nix::unistd::daemon;

use super::failure::Failure;
use crate::options::Options;

/// Does what the options want of the process as a whole. Must come before any thread is started:
/// only the calling thread goes on in the background.
pub(super) fn prepare_process(options: &Options) -> Result<(), Failure> {
    if options.coredumps {
        setrlimit(Resource::RLIMIT_CORE, RLIM_INFINITY, RLIM_INFINITY)
            .map_err(|error| Failure::system("ensure corefile creation", error))?;
    }
    if options.daemon {
        // The directory stays only where a core file is wanted; output stays for -v.
        daemon(options.coredumps, options.verbose > 0)
            .map_err(|error| Failure::system("daemonize", error))?;
    }
    if options.lock_memory {
        mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE)
            .map_err(|error| Failure::system("lock all memory (-k)", error))?;
    }
    Ok(())
}

/// Writes the process number, so that nobody reads half of it.
pub(super) fn write_pid_file(path: &Path) -> Result<(), Failure> {
    let unfinished = path.with_extension("tmp");
    fs::write(&unfinished, format!("{}\n", std::process::id()))
        .and_then(|()| fs::rename(&unfinished, path))
        .map_err(|error| Failure::system(&format!("write {}", path.display()), error))
}
