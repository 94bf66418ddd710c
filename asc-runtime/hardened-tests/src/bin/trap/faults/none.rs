//! No fault at all: the same means, without a difference between the runs, must raise no alarm.

use asc_hardened_tests::unseen::{between_handlers, flip, in_second_run, second_run};
use asc_runtime::{Mode, Output, asc_handler, mode};

use super::Fault;

pub(super) const FAULTS: &[Fault] = &[("none", none), ("none_in_a_million", million)];

const HANDLERS: u64 = 1_000_000;

#[asc_handler]
fn healthy(total: &mut u64, reply: &mut Output) -> u64 {
    let second = second_run();
    *total += in_second_run(second, 1, 1);
    // SAFETY: a live word.
    unsafe { flip((&raw mut *total).cast(), 4) };
    // SAFETY: the same, back again.
    unsafe { flip((&raw mut *total).cast(), 4) };
    reply.write(&total.to_le_bytes());
    *total
}

fn none() {
    let mut total = 0;
    let mut reply = Output::new();
    assert_eq!(healthy(&mut total, &mut reply), 1);
    assert_eq!(reply.bytes(), 1_u64.to_le_bytes());
    assert!(between_handlers() || mode() == Mode::Plain);
}

#[asc_handler]
fn count(total: &mut u64) {
    *total += 1;
}

fn million() {
    let mut total = 0;
    for _ in 0..HANDLERS {
        count(&mut total);
    }
    assert_eq!(total, HANDLERS);
}
