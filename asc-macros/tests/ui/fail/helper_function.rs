//! What cannot announce its stores.

use asc_runtime::asc_fn;

#[asc_fn]
const fn constant(total: &mut u64) {
    *total += 1;
}

#[asc_fn]
async fn asynchronous(total: &mut u64) {
    *total += 1;
}

fn main() {}
