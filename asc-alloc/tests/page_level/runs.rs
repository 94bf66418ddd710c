//! Two runs in one session: rolled back, compared, committed.

use std::hint::black_box;

use asc_alloc::ProtectedScope;
use asc_alloc::page::{Backend, BeginError, Builder, EXIT_REFUSED, Session};

use crate::children::{ends, passes};
use crate::{ALLOC, PAGE_WORDS, begin, start};

#[test]
fn two_equal_runs_are_committed() {
    passes("runs::case_equal_runs");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_equal_runs() {
    start();
    let mut state = black_box(ALLOC.protected(|| vec![0u64; 40 * PAGE_WORDS]));
    // Often enough that pages become hot, and some stay cold.
    for round in 0..200 {
        let mut session = begin();
        // SAFETY: there is none.
        let nested = unsafe { Session::begin() };
        assert_eq!(nested.map(drop), Err(BeginError::Nested));
        let before = state.clone();
        let run = |state: &mut Vec<u64>| {
            for page in [1, 2, 3, 10 + round % 7, 20 + round % 20] {
                state[page * PAGE_WORDS + round % PAGE_WORDS] = round as u64 + 1;
            }
        };
        run(&mut state);
        let after = state.clone();
        session.capture();
        let dirty = session.dirty_pages().count();
        assert!(
            (4..=5).contains(&dirty),
            "{dirty} dirty pages in round {round}"
        );
        session.restore().expect("restored");
        assert_eq!(state, before);
        run(&mut state);
        session.compare().expect("the runs were equal");
        session.commit();
        assert_eq!(state, after);
    }
    let statistics = asc_alloc::statistics().pages;
    let hot = statistics.hot_pages;
    assert_eq!(statistics.sessions, 201);
    // Without a gate each session opens what it writes; with one, most of it is open already.
    let gated = asc_alloc::page::backend() == Some(Backend::KeyAndUserfault);
    assert_eq!(gated, hot > 0, "{hot} hot pages");
    let opened = statistics.opened_pages;
    assert_eq!(gated, opened < 500, "{opened} pages were opened");
    // What is not used any more is closed.
    (0..100).for_each(|_| begin().commit());
    assert_eq!(asc_alloc::statistics().pages.hot_pages, 0);
}

#[test]
fn a_difference_between_the_runs_is_named() {
    passes("runs::case_different_runs");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_different_runs() {
    start();
    let mut state = black_box(ALLOC.protected(|| vec![7u64; 8 * PAGE_WORDS]));
    for round in 0..100 {
        let place = (round % 8) * PAGE_WORDS + 3 * round;
        // In turn: another value, a write that is missing, and one too many, on another page.
        for kind in 0..3 {
            let mut session = begin();
            state[place] = 1;
            session.capture();
            session.restore().expect("restored");
            let (wrong, second) = match kind {
                0 => (place, Some((place, 1 << 8 | 1))),
                1 => (place, None),
                _ => {
                    let other = (place + 2 * PAGE_WORDS) % state.len();
                    state[place] = 1;
                    (other, Some((other, 0x0707)))
                }
            };
            if let Some((index, value)) = second {
                state[index] = value;
            }
            let difference = session.compare().expect_err("the runs differed");
            let word = (&raw const state[wrong]).addr();
            assert_eq!(difference.address & !7, word, "{difference}");
            drop(session);
            assert!(state.iter().all(|&value| value == 7), "rolled back");
        }
    }
}

#[test]
fn a_fault_leaves_no_trace_in_the_handler() {
    passes("runs::case_errno");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_errno() {
    start();
    let mut state = black_box(ALLOC.protected(|| vec![0u64; 64 * PAGE_WORDS]));
    let session = begin();
    // SAFETY: this thread's errno.
    let errno = unsafe { libc::__errno_location() };
    for page in 0..64 {
        // SAFETY: as above.
        unsafe { errno.write(1000 + page) };
        state[page as usize * PAGE_WORDS] = 1;
        // SAFETY: as above.
        assert_eq!(unsafe { errno.read() }, 1000 + page);
    }
    assert!(session.dirty_pages().count() >= 64);
    session.commit();
}

#[test]
fn a_panic_in_a_session_rolls_back() {
    passes("runs::case_panic");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_panic() {
    start();
    let mut state = black_box(ALLOC.protected(|| vec![5u8; 100_000]));
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _session = begin();
        state.fill(6);
        panic!("half way");
    }));
    assert!(outcome.is_err());
    assert!(state.iter().all(|&byte| byte == 5));
    ALLOC.protected(|| state.fill(8));
    assert!(state.iter().all(|&byte| byte == 8));
}

#[test]
fn a_session_that_outgrows_its_tables_is_refused() {
    ends("runs::case_too_many_pages", EXIT_REFUSED, "pages_max");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_too_many_pages() {
    Builder::new()
        .pages_max(10)
        .hot_pages_max(0)
        .start()
        .expect("works");
    let _session = begin();
    let _scope = ProtectedScope::enter();
    let state = vec![1u8; 12 * 4096];
    panic!("{} bytes were written", state.len());
}

#[test]
fn many_pages_in_one_session_are_restored() {
    passes("runs::case_many_pages");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_many_pages() {
    start();
    const PAGES: usize = 12_000;
    let mut state = black_box(ALLOC.protected(|| vec![0u64; PAGES * PAGE_WORDS]));
    let mut session = begin();
    // Every second page, so that no two of them share a mapping.
    let places = || {
        (0..PAGES)
            .step_by(2)
            .map(|page| page * PAGE_WORDS + page % PAGE_WORDS)
    };
    places().for_each(|place| state[place] = 1);
    session.capture();
    session.restore().expect("restored");
    assert!(places().all(|place| state[place] == 0));
    places().for_each(|place| state[place] = 1);
    session.compare().expect("equal");
    session.commit();
    assert!(places().all(|place| state[place] == 1));
}

#[test]
fn what_was_opened_before_raises_no_fault() {
    passes("runs::case_opened_for_writing");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_opened_for_writing() {
    start();
    let mut state = black_box(ALLOC.protected(|| vec![1u64; 20 * PAGE_WORDS]));
    let mut session = begin();
    let written = &raw const state[PAGE_WORDS..10 * PAGE_WORDS];
    session.open_for_writing(
        written.addr(),
        size_of_val(&state[PAGE_WORDS..10 * PAGE_WORDS]),
    );
    // Not protected: left alone.
    session.open_for_writing((&raw const session).addr(), 8);
    // A fault whose signal is blocked ends the process.
    block_faults(libc::SIG_BLOCK);
    black_box(&mut state)[PAGE_WORDS..10 * PAGE_WORDS].fill(2);
    block_faults(libc::SIG_UNBLOCK);
    black_box(&mut state)[15 * PAGE_WORDS] = 3;
    session.capture();
    assert!(session.dirty_pages().count() >= 10);
    session.restore().expect("restored");
    assert!(black_box(&state).iter().all(|&word| word == 1));
    session.commit();
}

fn block_faults(how: libc::c_int) {
    let mut signals = std::mem::MaybeUninit::uninit();
    // SAFETY: initialises the set.
    unsafe { libc::sigemptyset(signals.as_mut_ptr()) };
    // SAFETY: a set and two signals.
    unsafe { libc::sigaddset(signals.as_mut_ptr(), libc::SIGSEGV) };
    // SAFETY: likewise.
    unsafe { libc::sigaddset(signals.as_mut_ptr(), libc::SIGBUS) };
    // SAFETY: the set is initialised; the old one is not asked for.
    let done = unsafe { libc::pthread_sigmask(how, signals.as_ptr(), std::ptr::null_mut()) };
    assert_eq!(done, 0);
}
