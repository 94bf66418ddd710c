use asc_runtime::{Fault, asc_handler};

#[asc_handler(on_fault = drop)]
fn nothing(state: &mut u8) {
    *state += 1;
}

#[asc_handler(on_fault = drop)]
fn opaque(state: &mut u8) -> impl Iterator<Item = u8> {
    std::iter::once(*state)
}

#[asc_handler(on_fault = drop)]
fn a_value(state: &mut u8) -> u8 {
    *state
}

#[asc_handler(on_fault = drop)]
fn unit(state: &mut u8) -> () {
    *state += 1;
}

#[asc_handler(on_fault = drop)]
fn an_option(state: &mut u8) -> Option<u8> {
    Some(*state)
}

#[asc_handler(on_fault = drop)]
fn another_error(state: &mut u8) -> Result<u8, std::num::ParseIntError> {
    Ok(*state)
}

#[asc_handler(on_fault = drop)]
fn generic<E>(state: &mut u8) -> Result<&mut u8, E> {
    Ok(state)
}

#[asc_handler(on_fault = drop)]
fn right<E: From<Fault>>(state: &mut u8) -> Result<&mut u8, E> {
    Ok(state)
}

fn main() {}
