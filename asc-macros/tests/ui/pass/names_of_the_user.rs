//! The expansion relies on no name that a user can take.

#![no_implicit_prelude]
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs)]
#![allow(dead_code)]

mod core {}
mod std {}

struct Handler;
struct Option;
struct Some;

fn run() {}
fn require_argument() {}

#[allow(unused_macros)]
macro_rules! concat {
    () => {};
}
#[allow(unused_macros)]
macro_rules! line {
    () => {};
}

#[::asc_runtime::asc_handler]
fn handle(state: &mut u8, value: u8, (run, require_argument): (u8, u8), argument_2: u8) -> u8 {
    const __ASC: u8 = 1;
    *state += value + run + require_argument + argument_2 + __ASC;
    let value = *state;
    value
}

fn main() {
    let mut state = 0;
    ::std::assert_eq!(handle(&mut state, 1, (2, 3), 4), 11);
}
