//! The borrow checker reports at the tokens of the user, as it does without the attribute.

use asc_runtime::asc_handler;

#[asc_handler]
fn not_mutable(value: Vec<u8>) -> Vec<u8> {
    value.push(1);
    value
}

#[asc_handler]
fn reference_to_a_local(state: &mut Vec<u8>) -> &mut u8 {
    let mut local = state[0];
    &mut local
}

#[asc_handler]
fn reference_to_an_argument(value: Vec<u8>) -> &'static [u8] {
    &value
}

#[asc_handler]
fn used_after_move(value: Vec<u8>) -> usize {
    drop(value);
    value.len()
}

#[asc_handler]
fn two_borrows(state: &mut Vec<u8>) {
    let first = &mut state[0];
    state.clear();
    *first = 1;
}

#[asc_handler]
fn wrong_lifetime<'a>(state: &'a u8, other: &u8) -> &'a u8 {
    if *state == 0 { other } else { state }
}

fn main() {}
