//! `#[asc_fn]` has no policy and no interception of its own: those are its handler's.

use asc_runtime::asc_fn;

#[asc_fn(on_fault = drop)]
fn first(total: &mut u64) {
    *total += 1;
}

#[asc_fn(intercept = source)]
fn second(total: &mut u64) {
    *total += 1;
}

fn main() {}
