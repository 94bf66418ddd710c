//! Closures that are called once, in runs that differ.

use std::hint::black_box;

use asc_hardened_tests::unseen::{in_second_run, second_run};
use asc_runtime::{after_commit, asc_handler, effect};

use super::Fault;

pub(super) const FAULTS: &[Fault] = &[
    ("effect_captures", effect_captures),
    ("effect_other", effect_other),
    ("extra_effect", extra_effect),
    ("missing_effect", missing_effect),
    ("effect_answer", effect_answer),
    ("deferred_captures", deferred_captures),
    ("extra_deferred", extra_deferred),
    ("missing_deferred", missing_deferred),
    ("deferred_before_the_fault", deferred_before_the_fault),
];

fn effect_captures() {
    #[asc_handler]
    fn handler() -> u64 {
        let key = in_second_run(second_run(), 7, 7 | 1 << 20);
        effect(move || key / 3)
    }
    black_box(handler());
}

fn effect_other() {
    #[asc_handler]
    fn handler() -> u64 {
        if second_run() {
            effect(|| black_box(1_u64))
        } else {
            effect(|| black_box(2_u64) + 1)
        }
    }
    black_box(handler());
}

fn extra_effect() {
    #[asc_handler]
    fn handler() {
        if second_run() {
            black_box(effect(|| black_box(1_u64)));
        }
    }
    handler();
}

fn missing_effect() {
    #[asc_handler]
    fn handler() {
        if !second_run() {
            black_box(effect(|| black_box(1_u64)));
        }
    }
    handler();
}

/// The answer is damaged after the second run got it.
fn effect_answer() {
    #[asc_handler]
    fn handler(target: &mut u64) {
        let second = second_run();
        let answer = effect(|| black_box(5_u64));
        *target = in_second_run(second, answer, answer | 1 << 50);
    }
    handler(&mut 0);
}

fn deferred_captures() {
    #[asc_handler]
    fn handler() {
        let word = in_second_run(second_run(), 7, 7 | 1 << 20);
        after_commit(move || {
            black_box(word);
        });
    }
    handler();
}

fn extra_deferred() {
    #[asc_handler]
    fn handler() {
        if second_run() {
            after_commit(|| ());
        }
    }
    handler();
}

fn missing_deferred() {
    #[asc_handler]
    fn handler() {
        if !second_run() {
            after_commit(|| ());
        }
    }
    handler();
}

/// What follows from a handler that was struck is not said.
fn deferred_before_the_fault() {
    #[asc_handler]
    fn handler(target: &mut u64) {
        let second = second_run();
        after_commit(move || {
            if asc_hardened_tests::unseen::armed() {
                println!("the deferred closure was called");
            }
        });
        *target = in_second_run(second, 1, 3);
    }
    handler(&mut 0);
}
