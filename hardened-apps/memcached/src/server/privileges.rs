//! What the process may do: open files, be root.

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{User, geteuid, getuid, setgid, setgroups, setuid};

use super::failure::Failure;

/// Files that are not connections: standard streams, listeners, event queues.
const FILES_RESERVED: u64 = 128;

/// Lets the process open a file per connection.
pub(crate) fn raise_file_limit(connections: u32) -> Result<(), Failure> {
    let wanted = u64::from(connections) + FILES_RESERVED;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)
        .map_err(|error| Failure::system("read the limit of open files", error))?;
    if soft >= wanted {
        return Ok(());
    }
    setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted)).map_err(|error| {
        let action = format!(
            "raise the limit of open files from {soft} to {wanted} for {connections} connections; \
             try starting as root or requesting smaller maxconns value (-c)"
        );
        Failure::system(&action, error)
    })
}

/// Becomes `user` if the process is root, else ignores it.
pub(crate) fn drop_root(user: Option<&str>) -> Result<(), Failure> {
    if !getuid().is_root() && !geteuid().is_root() {
        return Ok(());
    }
    let Some(name) = user else {
        eprintln!("warning: running as root; -u <user> gives up root once the port is open");
        return Ok(());
    };
    let user = User::from_name(name)
        .map_err(|error| Failure::system(&format!("look up the user {name}"), error))?
        .ok_or_else(|| Failure::no_user(&format!("can't find the user {name} to switch to")))?;
    match setgroups(&[]) {
        // Already without the right to have any.
        Ok(()) | Err(Errno::EPERM) => {}
        Err(error) => return Err(Failure::system("drop supplementary groups", error)),
    }
    setgid(user.gid)
        .and_then(|()| setuid(user.uid))
        .map_err(|error| Failure::system(&format!("assume identity of user {name}"), error))
}
