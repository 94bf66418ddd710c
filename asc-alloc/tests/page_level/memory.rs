//! What protected memory may hold, and what it is after it was returned.

use std::hint::black_box;

use asc_alloc::ProtectedScope;
use asc_alloc::page::EXIT_STRAY_WRITE;

use crate::children::{ends, passes};
use crate::{ALLOC, PAGE_WORDS, begin, start};

#[test]
fn returned_memory_is_zero_and_guarded_again() {
    passes("memory::case_returned_memory");
    ends(
        "memory::case_stray_in_returned_memory",
        EXIT_STRAY_WRITE,
        "stray write",
    );
}

#[test]
#[ignore = "run as a child per backend"]
fn case_returned_memory() {
    start();
    for round in 0..30 {
        ALLOC.protected(|| {
            drop(vec![round as u8; 200_000]);
            drop(vec![round as u8; 20_000]);
        });
        if round % 3 == 2 {
            ALLOC.return_memory();
            // A rollback must not bring back what a hot page held before.
            drop(begin());
        }
        let zeroed = ALLOC.protected(|| vec![0u8; 200_000]);
        assert!(zeroed.iter().all(|&byte| byte == 0), "round {round}");
    }
    // So much that it returns by itself when the session ends, hot pages with it.
    for round in 0..4 {
        ALLOC.protected(|| drop(black_box(vec![7u8; 48 << 20])));
        drop(begin());
        let zeroed = ALLOC.protected(|| vec![0u8; 48 << 20]);
        let is_zero = |page: &[u8]| page == [0; 4096];
        assert!(zeroed.chunks(4096).all(is_zero), "round {round}");
    }
}

#[test]
#[ignore = "run as a child per backend"]
fn case_stray_in_returned_memory() {
    start();
    ALLOC.protected(|| drop(vec![1u8; 200_000]));
    ALLOC.return_memory();
    let scope = ProtectedScope::enter();
    let mut state = vec![0u8; 200_000];
    drop(scope);
    state[100_000] = 1;
    panic!("the write went through");
}

/// The kernel cannot put a signal frame on a closed page, so the handler must have a stack of its own.
#[test]
fn a_stack_may_lie_in_protected_memory() {
    passes("memory::case_protected_stack");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_protected_stack() {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    static SUM: AtomicU64 = AtomicU64::new(0);
    extern "C" fn on_that_stack() {
        let mut words = black_box([1u64; 4 * PAGE_WORDS]);
        words[3] = 2;
        SUM.store(black_box(&words).iter().sum(), Relaxed);
    }
    start();
    let mut stack = ALLOC.protected(|| vec![0u8; 1 << 20]);
    // SAFETY: zero is a valid context for `getcontext` to fill in.
    let mut here: libc::ucontext_t = unsafe { std::mem::zeroed() };
    // SAFETY: likewise.
    let mut there: libc::ucontext_t = unsafe { std::mem::zeroed() };
    // SAFETY: fills the structure in.
    unsafe { libc::getcontext(&raw mut there) };
    there.uc_stack.ss_sp = stack.as_mut_ptr().cast();
    there.uc_stack.ss_size = stack.len();
    there.uc_link = &raw mut here;
    let session = begin();
    // SAFETY: the function takes no arguments, and the stack outlives it.
    unsafe { libc::makecontext(&raw mut there, on_that_stack, 0) };
    // SAFETY: both contexts are live; the function returns to this one.
    unsafe { libc::swapcontext(&raw mut here, &raw const there) };
    assert_eq!(SUM.load(Relaxed), 4 * PAGE_WORDS as u64 + 1);
    assert!(session.dirty_pages().count() >= 8);
    session.roll_back().expect("restored");
    assert!(stack.iter().all(|&byte| byte == 0));
}
