//! State, results and new blocks that differ between the runs.

use asc_hardened_tests::unseen::{flip, in_second_run, second_run};
use asc_runtime::asc_handler;

use super::Fault;

pub(super) const FAULTS: &[Fault] = &[
    ("state_word", state_word),
    ("state_range", state_range),
    ("stored_word", stored_word),
    ("stray_store_to_logged_word", stray_store),
    ("stray_store_in_first_run", stray_store_in_first_run),
    ("returned_word", returned_word),
    ("returned_structure", returned_structure),
    ("returned_beyond_the_slot", returned_beyond_the_slot),
    ("new_block", new_block),
    ("large_new_block", large_new_block),
    ("static_word", static_word),
    ("thread_local_word", thread_local_word),
];

/// A bit of the state flips while it rests between the runs.
fn state_word() {
    #[asc_handler]
    fn handler(state: &mut [u64; 2]) {
        if second_run() {
            // SAFETY: a live word.
            unsafe { flip((&raw mut state[0]).cast(), 0x10) };
        }
        state[1] = state[0] + 1;
    }
    handler(&mut [5, 6]);
}

/// The same in a long range that is copied.
fn state_range() {
    #[asc_handler]
    fn handler(source: &mut [u8], target: &mut [u8]) {
        if second_run() {
            // SAFETY: a live byte.
            unsafe { flip(&raw mut source[250], 1) };
        }
        target.copy_from_slice(source);
    }
    handler(&mut vec![1; 400], &mut vec![0; 400]);
}

/// A wrong value on its way to memory.
fn stored_word() {
    #[asc_handler]
    fn handler(state: &mut u64) {
        let second = second_run();
        *state = in_second_run(second, 8, 9);
    }
    handler(&mut 0);
}

/// A store that no hook announced, to a word that was logged.
fn stray_store() {
    #[asc_handler]
    fn handler(state: &mut [u64; 4]) {
        let second = second_run();
        *state = std::hint::black_box([1, 2, 3, 4]);
        if second {
            // SAFETY: a live word.
            unsafe { flip((&raw mut state[3]).cast(), 0x80) };
        }
    }
    handler(&mut [0; 4]);
}

/// A wild store of the first run, which nobody undoes: the second run reads what it left.
fn stray_store_in_first_run() {
    #[asc_handler]
    fn handler(state: &mut [u64; 2]) {
        let second = second_run();
        state[1] += state[0];
        if !second {
            // SAFETY: a live word.
            unsafe { flip((&raw mut state[0]).cast(), 2) };
        }
    }
    handler(&mut [5, 6]);
}

fn returned_word() {
    #[asc_handler]
    fn handler() -> u64 {
        let second = second_run();
        in_second_run(second, 0x1000, 0x1001)
    }
    assert_eq!(handler(), 0x1000);
}

fn returned_structure() {
    #[asc_handler]
    fn handler() -> [u64; 9] {
        let second = second_run();
        std::hint::black_box([in_second_run(second, 0, 1 << 63); 9])
    }
    assert_eq!(handler()[8], 0);
}

/// A result too large for the place that the engine keeps for results.
fn returned_beyond_the_slot() {
    #[asc_handler]
    fn handler() -> [u64; 100] {
        let second = second_run();
        std::hint::black_box([in_second_run(second, 0, 1 << 63); 100])
    }
    assert_eq!(handler()[99], 0);
}

/// A bit flips in a block that the handler has just allocated and filled.
fn new_block() {
    #[asc_handler]
    fn handler() -> Vec<u8> {
        corrupted_block(100, 70)
    }
    assert_eq!(handler().len(), 100);
}

/// The same in a block of which only a checksum is kept.
fn large_new_block() {
    #[asc_handler]
    fn handler() -> Vec<u8> {
        corrupted_block(2 << 20, 1_234_567)
    }
    assert_eq!(handler().len(), 2 << 20);
}

#[inline(never)]
fn corrupted_block(length: usize, position: usize) -> Vec<u8> {
    let mut block = vec![7; length];
    if second_run() {
        // SAFETY: a live byte.
        unsafe { flip(&raw mut block[position], 0x20) };
    }
    block
}

static mut COUNTER: u64 = 3;

fn static_word() {
    #[asc_handler]
    fn handler() {
        let second = second_run();
        // SAFETY: one thread.
        unsafe { COUNTER += in_second_run(second, 1, 2) };
    }
    handler();
}

thread_local! {
    static CELL: std::cell::Cell<u64> = const { std::cell::Cell::new(1) };
}

fn thread_local_word() {
    #[asc_handler]
    fn handler() {
        let second = second_run();
        CELL.set(in_second_run(second, 4, 5));
    }
    handler();
    assert_eq!(CELL.get(), 4);
}
