//! One fault per run of this program: `trap fault=NAME` must end with one incident on standard
//! error and status 86 before it prints `after`. `trap list` prints the names.
//!
//! The handlers play the faulty processor themselves, with assembly that the hooks do not see; see
//! `asc_hardened_tests::unseen`.

mod faults;

use std::process::exit;

use asc_hardened_tests::{arguments, page_mode, unseen};

/// Exit status for an unknown fault.
const EXIT_USAGE: i32 = 2;

#[cfg(not(asc))]
#[global_allocator]
static ALLOC: asc_alloc::AscAlloc = asc_alloc::AscAlloc::new();

fn main() {
    if arguments::flag("list") {
        faults::all()
            .iter()
            .for_each(|(name, _)| println!("{name}"));
        return;
    }
    page_mode::start_if_asked();
    let wanted = arguments::text("fault").unwrap_or_default();
    let Some((_, inject)) = faults::all().into_iter().find(|(name, _)| *name == wanted) else {
        eprintln!("no fault is called `{wanted}`: see `trap list`");
        exit(EXIT_USAGE)
    };
    std::panic::set_hook(Box::new(|_| {}));
    // In good health first, so that the runtime knows the handler.
    drop(std::panic::catch_unwind(inject));
    unseen::arm();
    println!("before");
    inject();
    println!("after");
}
