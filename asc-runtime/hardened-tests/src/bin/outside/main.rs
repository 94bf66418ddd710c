//! What writes to protected memory outside of handlers, in page mode.
//!
//! `stray count=N`: a life each for stores of a program gone wrong, in every place and in every way. `kernel`:
//! system calls into protected buffers. Both say what became of it, and check that it is explained;
//! without page mode nothing is caught.
//!
//! Arguments: `stray` or `kernel`; `seed=N`, `count=N`.

#[cfg(not(asc))]
mod kernel;
mod state;
mod stray;

use asc_hardened_tests::{arguments, page_mode};

#[cfg(not(asc))]
#[global_allocator]
static ALLOC: asc_alloc::AscAlloc = asc_alloc::AscAlloc::new();

fn main() {
    page_mode::start_if_asked();
    if arguments::flag("stray") {
        stray::run();
    } else {
        #[cfg(not(asc))]
        kernel::run();
    }
}
