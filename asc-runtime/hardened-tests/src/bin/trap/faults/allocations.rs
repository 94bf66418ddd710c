//! Allocations and frees that differ between the runs.

use std::hint::black_box;

use asc_hardened_tests::unseen::{in_second_run, second_run};
use asc_runtime::asc_handler;

use super::Fault;

pub(super) const FAULTS: &[Fault] = &[
    ("allocation_size", allocation_size),
    ("allocation_alignment", allocation_alignment),
    ("extra_allocation", extra_allocation),
    ("missing_allocation", missing_allocation),
    ("other_free", other_free),
    ("extra_free", extra_free),
    ("missing_free", missing_free),
];

#[inline(never)]
fn leak(length: usize) {
    std::mem::forget(black_box(Vec::<u8>::with_capacity(black_box(length))));
}

fn allocation_size() {
    #[asc_handler]
    fn handler() {
        let second = second_run();
        leak(in_second_run(second, 64, 65) as usize);
    }
    handler();
}

fn allocation_alignment() {
    #[asc_handler]
    fn handler() {
        let second = second_run();
        let alignment = in_second_run(second, 64, 128) as usize;
        let layout = std::alloc::Layout::from_size_align(64, alignment).expect("a power of two");
        // SAFETY: the size is not 0.
        black_box(unsafe { std::alloc::alloc(layout) });
    }
    handler();
}

fn extra_allocation() {
    #[asc_handler]
    fn handler() {
        leak(10);
        if second_run() {
            leak(11);
        }
    }
    handler();
}

fn missing_allocation() {
    #[asc_handler]
    fn handler() {
        leak(10);
        if !second_run() {
            leak(11);
        }
    }
    handler();
}

/// Two owners of equal blocks.
#[inline(never)]
fn boxes() -> [usize; 2] {
    [7_u64, 7].map(|word| Box::into_raw(Box::new(word)).expose_provenance())
}

#[inline(never)]
fn free(address: usize) {
    // SAFETY: made by `boxes`, and freed once by the healthy run.
    drop(unsafe { Box::<u64>::from_raw(std::ptr::with_exposed_provenance_mut(address)) });
}

fn other_free() {
    #[asc_handler]
    fn handler(boxes: &[usize; 2]) {
        let second = second_run();
        free(boxes[in_second_run(second, 0, 1) as usize]);
    }
    handler(&boxes());
}

fn extra_free() {
    #[asc_handler]
    fn handler(boxes: &[usize; 2]) {
        if second_run() {
            free(boxes[1]);
        }
    }
    handler(&boxes());
}

fn missing_free() {
    #[asc_handler]
    fn handler(boxes: &[usize; 2]) {
        if !second_run() {
            free(boxes[0]);
        }
    }
    handler(&boxes());
}
