//! Page mode, where the feature of that name asks for it: in the process that serves, before it has other
//! threads and before it has shards.

use asc_alloc::AscAlloc;
use asc_runtime::paged::{Builder, StartError};

use super::failure::Failure;

#[global_allocator]
static ALLOCATOR: AscAlloc = AscAlloc::new();

const UNGUARDED: &str = "\
warning: without protection keys and Linux 6.12 page mode sees protected memory alone. The cache lies there; a handler's \
wrong store to any other memory goes unseen, and every fault stops the server, whatever --on-fault says";

/// From here on handlers run twice. All state of this server's handlers is protected memory, so that it may
/// serve where nothing else is seen, and says so.
pub(super) fn start() -> Result<(), Failure> {
    let started = match Builder::new().start() {
        Err(StartError::Unguarded) => {
            eprintln!("{UNGUARDED}");
            Builder::new().accept_unguarded().start()
        }
        started => started,
    };
    match started {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::system("start page mode", error)),
    }
}
