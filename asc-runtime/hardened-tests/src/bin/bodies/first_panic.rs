//! The first panic of a process, in page mode: it happens in a handler.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use asc_hardened_tests::page_mode;
use asc_runtime::{asc_handler, statistics};

#[asc_handler]
fn count(total: &mut u64, panics: bool) {
    *total += 1;
    if panics {
        resume_unwind(Box::new("out of the handler"));
    }
}

/// It stores what any other does: the dynamic linker, whose words all threads share, has nothing left to look
/// up and to count.
pub(crate) fn run() {
    let mut total = page_mode::protected(|| Box::new(0));
    // What comes with a thread's first handlers.
    count(&mut total, false);
    let mut stores_of_a_panic = || {
        let before = statistics().stepped_stores;
        let outcome = catch_unwind(AssertUnwindSafe(|| count(&mut total, true)));
        assert!(outcome.is_err());
        statistics().stepped_stores - before
    };
    let (first, second) = (stores_of_a_panic(), stores_of_a_panic());
    println!("stores of a panic: {first}, {second}");
    assert!(first > 0);
    assert_eq!(first, second);
    assert_eq!(*total, 3);
}
