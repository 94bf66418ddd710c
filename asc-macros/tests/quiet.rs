//! The expansion gives no lint anything to say: this file must stay clean under `cargo clippy`.
//!
//! Nothing is called here, it only has to compile. `shadow_same` and a few more are lints that few
//! turn on, and those who do should not have to think of the attribute.

#![deny(warnings, clippy::all, clippy::pedantic, clippy::nursery)]
#![deny(
    clippy::shadow_same,
    clippy::shadow_unrelated,
    clippy::let_underscore_untyped,
    clippy::let_underscore_must_use
)]
#![deny(
    clippy::items_after_statements,
    clippy::used_underscore_items,
    clippy::semicolon_inside_block
)]
#![deny(
    unused_qualifications,
    single_use_lifetimes,
    elided_lifetimes_in_paths,
    unused_lifetimes,
    let_underscore_drop
)]
#![deny(
    unsafe_op_in_unsafe_fn,
    unreachable_pub,
    missing_debug_implementations,
    unit_bindings
)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::num::ParseIntError;
use std::pin::Pin;

use asc_runtime::{asc_fn, asc_handler};

/// A state.
#[derive(Clone, Debug, Default)]
pub struct State {
    rows: HashMap<String, Vec<u8>>,
    count: u32,
}

impl State {
    /// Borrows from the receiver.
    #[asc_handler]
    pub fn row(&mut self, key: &str) -> &mut Vec<u8> {
        self.rows.entry(key.to_owned()).or_default()
    }

    /// Borrows from the receiver.
    #[asc_handler]
    #[must_use]
    pub fn look(&self, key: &str) -> Option<&Vec<u8>> {
        self.rows.get(key)
    }

    /// Consumes the receiver.
    #[asc_handler]
    #[must_use]
    pub fn finish(self) -> u32 {
        self.count
    }

    /// Consumes the receiver.
    #[asc_handler]
    #[must_use]
    pub fn counted(mut self, _unused: u8) -> Self {
        self.count += 1;
        self
    }

    /// Names a lifetime.
    #[asc_handler]
    pub fn keys<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a String> + 'a {
        self.rows.keys().filter(move |key| key.starts_with(prefix))
    }
}

/// Returns nothing.
#[asc_handler]
pub fn unit(state: &mut u8) {
    *state += 1;
}

/// Returns nothing, early.
#[asc_handler]
pub fn early_unit(state: &mut u8, value: u8) {
    if value == 3 {
        return;
    }
    *state += value;
}

/// Never gets to its end.
///
/// # Panics
/// Always.
#[asc_handler]
#[must_use]
pub fn diverges(_value: Vec<u8>) -> u8 {
    panic!("refused")
}

/// Uses `?` and `return`.
///
/// # Errors
/// When the text is not a number.
#[asc_handler]
pub fn question_mark(text: String, state: &mut u8) -> Result<u8, ParseIntError> {
    let number: u8 = text.parse()?;
    *state += number;
    if number == 1 {
        return Ok(2);
    }
    drop(text);
    Ok(number)
}

/// Its arguments change.
#[asc_handler]
#[must_use]
pub fn mutable(mut number: u32, mut text: &[u8], mut list: Vec<u8>) -> u32 {
    while let [first, rest @ ..] = text {
        list.push(*first);
        text = rest;
        number += u32::from(*first);
    }
    number + u32::from(list[0])
}

/// Its arguments are patterns.
#[asc_handler]
#[must_use]
pub fn patterns(
    (left, _): (u8, Vec<u8>),
    [first, .., last]: [u8; 4],
    &(a, b): &(u64, u64),
    _: Vec<u8>,
) -> u64 {
    u64::from(left + first + last) + a + b
}

/// Borrows from a temporary at its end.
#[asc_handler]
#[must_use]
pub fn temporary(cell: RefCell<u8>) -> u8 {
    *cell.borrow()
}

/// Its body is one value.
#[asc_handler]
#[must_use]
pub fn single(value: u8) -> u8 {
    value
}

/// Returns a closure.
#[asc_handler]
pub fn closure(by: u32) -> impl Fn(u32) -> u32 {
    move |value| value + by
}

/// Is generic.
#[asc_handler]
pub fn generic<T: Clone, const N: usize>(
    items: &mut Vec<T>,
    more: [T; N],
    extra: impl Iterator<Item = T> + Clone,
) {
    items.extend(more);
    items.extend(extra);
}

/// Takes references in wrappers.
#[asc_handler]
pub fn wrapped(out: Option<&mut u8>, pinned: Pin<&mut u8>) {
    if let Some(out) = out {
        *out = *pinned;
    }
}

/// Reads memory.
///
/// # Safety
/// The pointer can be read.
#[asc_handler]
#[must_use]
pub unsafe fn read(pointer: *const u8) -> u8 {
    // SAFETY: by contract.
    unsafe { *pointer }
}

/// Has lint levels of its own.
#[asc_handler]
#[must_use]
pub fn levels(
    #[expect(unused_variables)] value: Vec<u8>,
    #[allow(unused_mut)] mut count: u8,
) -> u8 {
    count
}

const LIMIT: u32 = 9;

/// Returns nothing.
#[asc_fn]
pub fn limit(state: &mut State) {
    state.count = if state.count > LIMIT {
        LIMIT
    } else {
        state.count
    };
}

/// Announces its stores and its calls.
///
/// # Panics
/// If there are too many values.
#[asc_handler(intercept = source)]
pub fn announces(state: &mut State, values: &[u32]) {
    let mut walked = 0;
    for value in values {
        state.count += if *value > 3 { *value } else { 3 };
        walked += 1;
    }
    state.count = LIMIT.min(state.count);
    if let Some(last) = state.rows.get_mut("last") {
        *last.first_mut().unwrap_or(&mut 1) = 3;
    }
    assert!(walked < LIMIT);
    (state.count, walked) = (walked + 1, state.count);
    state.count += walked;
    limit(state);
}
