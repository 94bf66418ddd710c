//! Page mode, where the feature of that name asks for it: in the process that serves, before it has other
//! threads and before it has shards.

use asc_alloc::AscAlloc;
use asc_runtime::paged;

use super::failure::Failure;

#[global_allocator]
static ALLOCATOR: AscAlloc = AscAlloc::new();

/// From here on handlers run twice.
pub(super) fn start() -> Result<(), Failure> {
    let failure = |error| Failure::system("start page mode", error);
    paged::start().map(|_| ()).map_err(failure)
}
