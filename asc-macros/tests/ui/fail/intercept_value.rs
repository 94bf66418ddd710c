//! There is one way of interception to ask for.

use asc_runtime::asc_handler;

#[asc_handler(intercept = sauce)]
fn first(total: &mut u64) {
    *total += 1;
}

#[asc_handler(intercept = "source")]
fn second(total: &mut u64) {
    *total += 1;
}

#[asc_handler(intercept)]
fn third(total: &mut u64) {
    *total += 1;
}

fn main() {}
