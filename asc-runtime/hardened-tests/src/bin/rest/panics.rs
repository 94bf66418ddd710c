//! What the program's panic hook stores to protected memory, while a handler is in progress.

use std::panic::{catch_unwind, set_hook};
use std::sync::{Mutex, PoisonError};

use asc_runtime::{asc_handler, protected, scrub, statistics};

const PANICS: u64 = 20;

#[asc_handler]
fn panicking(state: &mut u64) -> u64 {
    *state += 1;
    panic!("on purpose: {state}");
}

/// The hook is called once for each handler that panics, and the codes follow what it counts.
pub(crate) fn hook() {
    let count: &Mutex<u64> = protected(|| Box::leak(Box::new(Mutex::new(0))));
    let current = || count.lock().unwrap_or_else(PoisonError::into_inner);
    set_hook(Box::new(move |_| *current() += 1));
    for panics in 1..=PANICS {
        let mut state = protected(|| Box::new(7));
        assert!(catch_unwind(move || panicking(&mut state)).is_err());
        assert!(scrub() > 0);
        let counted = *current();
        assert_eq!(counted, panics);
    }
    assert_eq!(statistics().integrity.corrected_bits, 0);
    println!("{PANICS} panics counted in protected memory");
}
