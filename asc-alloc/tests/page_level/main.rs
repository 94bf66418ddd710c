//! Write sessions on every backend that the kernel offers.
//!
//! The page level is one per process, so each case is an ignored test of this program. The test beside
//! it runs it as a child per backend, with the backend named in the environment, and demands that the
//! child ran exactly that case.

mod children;
mod memory;
mod processes;
mod runs;
mod start;
mod strays;
#[path = "../support/mod.rs"]
mod support;

use asc_alloc::AscAlloc;
use asc_alloc::page::{Builder, Session};

#[global_allocator]
static ALLOC: AscAlloc = AscAlloc::new();

const PAGE_WORDS: usize = 4096 / 8;

/// A session; what it restores is looked at through `black_box` only.
fn begin() -> Session {
    // SAFETY: as said above.
    unsafe { Session::begin() }.expect("none is open")
}

fn start() {
    Builder::new().start().expect("the backend works here");
}

#[test]
fn every_case_is_run() {
    support::cases::demand_all_are_run(&[
        include_str!("memory.rs"),
        include_str!("processes.rs"),
        include_str!("runs.rs"),
        include_str!("start.rs"),
        include_str!("strays.rs"),
        include_str!("children.rs"),
    ]);
}
