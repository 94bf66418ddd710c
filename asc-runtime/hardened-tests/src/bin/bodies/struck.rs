//! Bodies whose two runs differ: what a faulty processor would do to them.
//!
//! The difference comes from an overloaded operator, which interception in the source trusts.

use std::ops::Index;
use std::sync::atomic::{AtomicU64, Ordering};

use asc_runtime::{Fault, asc_handler, statistics};

use crate::state::State;

/// Is another value each time it is read: 0 in a handler's first run, 1 in the second.
struct Faulty;

impl Index<()> for Faulty {
    type Output = u64;

    fn index(&self, (): ()) -> &u64 {
        static READS: AtomicU64 = AtomicU64::new(0);
        &[0, 1][READS.fetch_add(1, Ordering::Relaxed) as usize % 2]
    }
}

crate::bodies! {
    fn wrong_value(state, _seed) { state.total = Faulty[()]; 0 }
    fn wrong_result(state, seed) { state.total = seed; Faulty[()] }
    fn wrong_place(state, seed) { state.table[Faulty[()] as usize] = seed; 0 }
    fn extra_store(state, seed) { if Faulty[()] == 1 { state.small = 2; } state.total = seed; 0 }
    fn extra_last_store(state, seed) { state.total = seed; if Faulty[()] == 1 { state.small = 2; } 0 }
    fn missing_store(state, seed) { state.total = seed; if Faulty[()] == 0 { state.small = 2; } 0 }
    fn wrong_width(state, seed) { if Faulty[()] == 0 { state.pair = (1, seed); } else { state.pair.0 = 1; } 0 }
    fn wrong_swap(state, _seed) {
        if Faulty[()] == 0 { std::mem::swap(&mut state.total, &mut state.pair.1); } else { std::mem::swap(&mut state.total, &mut state.table[1]); }
        0
    }
}

/// Is 1 when it is read for the second time, and 0 ever after.
struct Glitch(&'static AtomicU64);

impl Index<()> for Glitch {
    type Output = u64;

    fn index(&self, (): ()) -> &u64 {
        &[0, 1][usize::from(self.0.fetch_add(1, Ordering::Relaxed) == 1)]
    }
}

#[asc_handler(intercept = source, on_fault = retry(2))]
fn retried(total: &mut u64, glitch: &Glitch, amount: u64) -> u64 {
    *total += amount;
    *total ^= glitch[()];
    *total
}

#[asc_handler(intercept = source, on_fault = drop)]
fn dropped(total: &mut u64, glitch: &Glitch, amount: u64) -> Result<u64, Fault> {
    *total += amount;
    Ok(*total ^ glitch[()])
}

/// Returns more than fits the slot on the handler's stack.
#[asc_handler(intercept = source, on_fault = retry(2))]
fn retried_table(glitch: &Glitch, value: u64) -> [u64; 64] {
    let mut table = [value; 64];
    table[40] ^= glitch[()];
    table
}

#[asc_handler(intercept = source)]
fn panics(total: &mut u64, limit: u64) -> u64 {
    *total += 1;
    assert!(*total < limit, "too many");
    *total
}

/// A struck message is tried again, or leaves the state as it was; a panic goes on, and what was stored
/// before it stays.
pub(crate) fn survive() {
    static READS: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];
    let mut total = 5;
    assert_eq!(retried(&mut total, &Glitch(&READS[0]), 2), 7);
    assert_eq!((total, statistics().retried), (7, 1));

    let glitch = Glitch(&READS[1]);
    let fault = dropped(&mut total, &glitch, 3).expect_err("the runs differed");
    assert_eq!(
        (total, fault.stage.name(), statistics().dropped),
        (7, "compare", 1)
    );
    assert_eq!(dropped(&mut total, &glitch, 3), Ok(10));

    assert_eq!(retried_table(&Glitch(&READS[2]), 6), [6; 64]);
    assert_eq!(statistics().retried, 2);

    let panic = std::panic::catch_unwind(|| {
        let mut total = 1;
        let caught =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| panics(&mut total, 2)));
        assert_eq!(total, 2);
        caught.expect("nothing panics")
    });
    assert!(panic.is_err());
    assert_eq!(panics(&mut total, 20), 11);
}
