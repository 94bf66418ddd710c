//! Paths that differ between the runs.

use std::hint::black_box;

use asc_hardened_tests::unseen::{armed, second_run};
use asc_runtime::asc_handler;

use super::Fault;

pub(super) const FAULTS: &[Fault] = &[
    ("branch", branch),
    ("store_width", store_width),
    ("extra_store", extra_store),
    ("missing_store", missing_store),
    ("missing_range", missing_range),
    ("loop_count", loop_count),
    ("deep_first_run", deep_first_run),
    #[cfg(panic = "unwind")]
    ("panic_in_first_run", panic_in_first_run),
    #[cfg(panic = "unwind")]
    ("panic_in_second_run", panic_in_second_run),
    #[cfg(panic = "unwind")]
    ("panics_differ", panics_differ),
];

/// Stores where the compiler cannot merge or drop it.
#[inline(never)]
fn store<T: Copy>(target: &mut T, value: T) {
    // SAFETY: a live reference.
    unsafe { (&raw mut *target).write_volatile(black_box(value)) };
}

fn branch() {
    #[asc_handler]
    fn handler(state: &mut [u64; 8]) {
        if second_run() {
            store(&mut state[6], 1);
        } else {
            store(&mut state[1], 1);
        }
    }
    handler(&mut [0; 8]);
}

fn store_width() {
    #[asc_handler]
    fn handler(state: &mut u64) {
        if second_run() {
            // SAFETY: the low half of a live word.
            store(unsafe { &mut *(&raw mut *state).cast::<u32>() }, 1);
        } else {
            store(state, 1);
        }
    }
    handler(&mut 0);
}

fn extra_store() {
    #[asc_handler]
    fn handler(state: &mut [u64; 8]) {
        store(&mut state[0], 1);
        if second_run() {
            store(&mut state[7], 1);
        }
    }
    handler(&mut [0; 8]);
}

fn missing_store() {
    #[asc_handler]
    fn handler(state: &mut [u64; 8]) {
        store(&mut state[0], 1);
        if !second_run() {
            store(&mut state[7], 1);
        }
    }
    handler(&mut [0; 8]);
}

fn missing_range() {
    #[asc_handler]
    fn handler(target: &mut [u8], source: &[u8]) {
        if !second_run() {
            target.copy_from_slice(black_box(source));
        }
    }
    handler(&mut [0; 500], &[1; 500]);
}

fn loop_count() {
    #[asc_handler]
    fn handler(state: &mut [u64; 64]) {
        let count = if second_run() { 63 } else { 64 };
        state
            .iter_mut()
            .take(black_box(count))
            .for_each(|word| store(word, 5));
    }
    handler(&mut [0; 64]);
}

/// The first run reaches deeper than any before, and stores there: it is repeated, and does not.
fn deep_first_run() {
    const ROOM_BYTES: usize = 32 << 10;
    #[inline(never)]
    fn deep(state: &mut u64) {
        let mut room = [0_u8; ROOM_BYTES];
        black_box(&mut room);
        store(state, u64::from(room[7]) + 1);
    }
    #[asc_handler]
    fn handler(state: &mut [u64; 8]) {
        let second = second_run();
        store(&mut state[0], 1);
        if armed() && !second {
            deep(&mut state[5]);
        }
    }
    handler(&mut [0; 8]);
}

#[cfg(panic = "unwind")]
fn panic_in_first_run() {
    #[asc_handler]
    fn handler(state: &mut u64) {
        let second = second_run();
        *state += 1;
        assert!(second || !armed(), "a fault made this fail");
    }
    handler(&mut 0);
}

#[cfg(panic = "unwind")]
fn panic_in_second_run() {
    #[asc_handler]
    fn handler(state: &mut u64) {
        let second = second_run();
        *state += 1;
        assert!(!second, "a fault made this fail");
    }
    handler(&mut 0);
}

#[cfg(panic = "unwind")]
fn panics_differ() {
    #[asc_handler]
    fn handler(_state: &mut u64) {
        let second = second_run();
        panic!("{}", if second { "one text" } else { "eno text" });
    }
    handler(&mut 0);
}
