//! Stores that go elsewhere than they were announced, or that are announced elsewhere than they go: what a
//! struck address register does to interception in the source.
//!
//! The place of a store is computed once to announce it and once to store there. Here it is given by an
//! overloaded operator, which interception in the source trusts.
//!
//! Arguments: `astray=N`, the computation that goes wrong, and `policy=retry|drop`; `twice` for a handler
//! that stores to the place twice; or `jumped=N`, the run in which the announcement is jumped over.

use std::cell::Cell;
use std::ops::{Deref, DerefMut, Index};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use asc_hardened_tests::arguments;
use asc_runtime::{Fault, asc_handler, statistics};

const OLD: [u64; 2] = [3, 4];

/// Points to the first word; for the time numbered `wrong`, to the second.
struct Cursor {
    words: [u64; 2],
    wrong: u64,
}

/// Computations so far.
static COMPUTED: AtomicU64 = AtomicU64::new(0);

impl Deref for Cursor {
    type Target = u64;

    fn deref(&self) -> &u64 {
        &self.words[0]
    }
}

impl DerefMut for Cursor {
    fn deref_mut(&mut self) -> &mut u64 {
        let number = COMPUTED.fetch_add(1, Ordering::Relaxed);
        &mut self.words[usize::from(number == self.wrong)]
    }
}

#[asc_handler(intercept = source, on_fault = retry(2))]
fn retried(cursor: &mut Cursor, value: u64) -> Result<u64, Fault> {
    **cursor = value;
    Ok(value)
}

#[asc_handler(intercept = source, on_fault = drop)]
fn dropped(cursor: &mut Cursor, value: u64) -> Result<u64, Fault> {
    **cursor = value;
    Ok(value)
}

#[asc_handler(intercept = source, on_fault = retry(2))]
fn retried_twice(cursor: &mut Cursor, value: u64) -> Result<u64, Fault> {
    **cursor = value + 1;
    **cursor = value;
    Ok(value)
}

#[asc_handler(intercept = source, on_fault = drop)]
fn dropped_twice(cursor: &mut Cursor, value: u64) -> Result<u64, Fault> {
    **cursor = value + 1;
    **cursor = value;
    Ok(value)
}

/// A word that is stored to by way of `*`. In the run numbered `jumped`, `[value]` stores there unseen,
/// and is 1.
struct Skipped {
    word: Cell<u64>,
    count: u64,
    jumped: u64,
}

impl Index<u64> for Skipped {
    type Output = u64;

    fn index(&self, value: u64) -> &u64 {
        static RUNS: AtomicU64 = AtomicU64::new(0);
        if RUNS.fetch_add(1, Ordering::Relaxed) != self.jumped {
            return &0;
        }
        self.word.set(value);
        &1
    }
}

impl Deref for Skipped {
    type Target = u64;

    fn deref(&self) -> &u64 {
        unreachable!("it is only stored to")
    }
}

impl DerefMut for Skipped {
    fn deref_mut(&mut self) -> &mut u64 {
        self.word.get_mut()
    }
}

#[asc_handler(intercept = source, on_fault = retry(2))]
fn retried_jump(place: &mut Skipped, value: u64) -> Result<u64, Fault> {
    if place[value] == 0 {
        **place = value;
    }
    place.count += 1;
    Ok(value)
}

#[asc_handler(intercept = source, on_fault = drop)]
fn dropped_jump(place: &mut Skipped, value: u64) -> Result<u64, Fault> {
    if place[value] == 0 {
        **place = value;
    }
    place.count += 1;
    Ok(value)
}

/// Goes on with the right state, or does not go on.
pub(crate) fn run() -> ExitCode {
    let drops = arguments::text("policy").as_deref() == Some("drop");
    match arguments::text("jumped") {
        Some(_) => jump(drops),
        None => go_astray(drops),
    }
    assert_eq!(statistics().faults, 1);
    ExitCode::SUCCESS
}

fn jump(drops: bool) {
    let mut place = Box::new(Skipped {
        word: Cell::new(OLD[0]),
        count: 0,
        jumped: arguments::number("jumped", u64::MAX),
    });
    let handler = if drops { dropped_jump } else { retried_jump };
    let result = handler(&mut place, 9);
    assert_eq!(result.is_err(), drops, "{result:?}");
    let expected = if drops { (OLD[0], 0) } else { (9, 1) };
    assert_eq!((place.word.get(), place.count), expected);
}

fn go_astray(drops: bool) {
    let mut cursor = Box::new(Cursor {
        words: OLD,
        wrong: arguments::number("astray", u64::MAX),
    });
    let handler = match (drops, arguments::flag("twice")) {
        (false, false) => retried,
        (true, false) => dropped,
        (false, true) => retried_twice,
        (true, true) => dropped_twice,
    };
    let result = handler(&mut cursor, 9);
    let expected = if drops { OLD } else { [9, OLD[1]] };
    assert_eq!(result.is_err(), drops, "{result:?}");
    assert_eq!(cursor.words, expected);
}
