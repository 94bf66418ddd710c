//! One computation made twice: on one core, or on two.
//!
//! A core with a stuck bit corrupts both results alike where both are its own, and is found out where
//! one is another core's.

use core::arch::naked_asm;

use crate::bodies;

/// The complement, by 31 instructions of a class that nothing else here uses.
#[unsafe(naked)]
extern "C" fn planted_complement(_number: u64) -> u64 {
    naked_asm!("mov rax, rdi", ".rept 31", "not rax", ".endr", "ret")
}

pub(crate) fn on_one_core(number: u64) -> u64 {
    equal(planted_complement(number), planted_complement(number))
}

pub(crate) fn on_two_cores(number: u64) -> u64 {
    let first = planted_complement(number);
    let here = current_core();
    run_on(|core| core != here);
    let second = planted_complement(number);
    run_on(|core| core == here);
    equal(first, second)
}

fn equal(first: u64, second: u64) -> u64 {
    if first != second {
        bodies::detected();
    }
    first
}

fn current_core() -> usize {
    // SAFETY: takes no pointer.
    unsafe { libc::sched_getcpu() as usize }
}

/// Moves this thread to a core of those wanted. Where the system has none, it stays.
fn run_on(wanted: impl Fn(usize) -> bool) {
    let mut cores = [0_u64; 16];
    for (word, bits) in cores.iter_mut().enumerate() {
        *bits = (0..64).fold(0, |bits, bit| {
            bits | u64::from(wanted(word * 64 + bit)) << bit
        });
    }
    // SAFETY: the kernel reads as many bytes as the mask has.
    unsafe { libc::sched_setaffinity(0, size_of_val(&cores), cores.as_ptr().cast()) };
}
