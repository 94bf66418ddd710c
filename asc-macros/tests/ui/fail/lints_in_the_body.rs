//! Lints find in a handler what they find in a function.

#![deny(unused, unsafe_op_in_unsafe_fn, deprecated)]

use asc_runtime::asc_handler;

#[asc_handler]
pub fn unused_reference(state: &mut u8, other: &u8) {
    *state += 1;
}

#[asc_handler]
pub fn unused_value(value: Vec<u8>) {}

#[asc_handler]
pub fn unused_part((first, second): (u8, u8)) -> u8 {
    first
}

#[asc_handler]
pub fn needless_mut(mut value: Vec<u8>, mut other: &u8) -> usize {
    value.len() + usize::from(*other)
}

#[asc_handler]
pub fn never_read(mut count: u8) {
    count = 3;
}

#[asc_handler]
pub fn unreachable_statement(value: u8) -> u8 {
    return value;
    value + 1
}

#[asc_handler]
pub fn ignored_result(text: &str) {
    text.parse::<u8>();
}

#[asc_handler]
pub unsafe fn unsafe_operation(pointer: *const u8) -> u8 {
    *pointer
}

fn main() {}
