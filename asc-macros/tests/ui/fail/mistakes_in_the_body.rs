//! The compiler reports mistakes at the tokens of the user, as it does without the attribute.

use asc_runtime::asc_handler;

#[asc_handler]
fn wrong_value(state: &mut u32) -> u32 {
    *state += 1;
    "text"
}

#[asc_handler]
fn wrong_value_of_a_consumer(value: u32) -> u32 {
    drop(value);
    "text"
}

#[asc_handler]
fn wrong_early_return(state: &u32) -> u32 {
    if *state == 0 {
        return "text";
    }
    *state
}

#[asc_handler]
fn no_value(state: &mut u32) -> u32 {
    *state += 1;
}

#[asc_handler]
fn no_value_of_a_consumer(value: u32) -> u32 {
    drop(value);
}

#[asc_handler]
fn superfluous_value(state: &u32) {
    *state
}

#[asc_handler]
fn unknown_name(state: &mut u32) {
    *state = missing;
}

#[asc_handler]
fn question_mark(text: &str) -> u32 {
    text.parse::<u32>()?
}

#[asc_handler]
fn unsafe_operation(pointer: *const u8) -> u8 {
    *pointer
}

#[asc_handler]
fn refutable(Some(value): Option<u8>) -> u8 {
    value
}

fn main() {}
