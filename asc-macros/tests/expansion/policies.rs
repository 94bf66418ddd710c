use std::num::ParseIntError;

use asc_runtime::{Fault, asc_handler};

#[asc_handler(on_fault = abort)]
fn stopped(state: &mut u8) -> Result<u8, ParseIntError> {
    Ok(*state)
}

#[asc_handler(on_fault = retry(3))]
fn retried(state: &mut u8) {
    *state += 1;
}

#[asc_handler(on_fault = drop)]
fn dropped(state: &mut u8) -> Result<&mut u8, Fault> {
    *state += 1;
    Ok(state)
}
