//! Rot in every place where it can strike, on each backend. The page level is one per process, so each
//! case is an ignored test, run as a child.

use super::*;
use crate::domain::ProtectedScope;
use crate::page::session::Session;
use crate::page::{Backend, Builder, Scrubber, pages};
use crate::{AscAlloc, statistics};
use core::alloc::{GlobalAlloc, Layout};

#[path = "../../../tests/support/mod.rs"]
mod support;

use support::backends;
use support::cases::{self, text};

const SEED: u64 = 0x5eed_2070;
const WORDS: usize = 64 * PAGE_BYTES / 8;

/// Every backend that is offered here must end the case with that status and say that.
fn ends(case: &str, status: i32, saying: &str) {
    let of = |case: &str| format!("page::integrity::tests::{case}");
    for backend in backends::offered(&of("case_starts")) {
        let output = backends::child(backend, &of(case));
        let said = text(&output);
        assert_eq!(output.status.code(), Some(status), "{backend}: {said}");
        assert!(said.contains(saying), "{backend}: {said}");
    }
}

#[test]
fn every_case_is_run() {
    cases::demand_all_are_run(&[include_str!("tests.rs")]);
}

fn passes(case: &str) {
    ends(case, 0, "1 passed");
}

fn start(line_bytes: usize, rot: Rot) {
    backends::demand(Builder::new().integrity(line_bytes, rot).start());
}

#[test]
#[ignore = "run as a child per backend"]
fn case_starts() {
    start(128, Rot::Stop);
}

/// Protected words, zero at first and never freed.
fn state() -> &'static [AtomicU64] {
    let _scope = ProtectedScope::enter();
    let layout = Layout::array::<AtomicU64>(WORDS).expect("a small size");
    // SAFETY: the size is not zero.
    let block = unsafe { AscAlloc::new().alloc_zeroed(layout) };
    assert!(!block.is_null());
    // SAFETY: zeroed, of that layout, and never freed.
    unsafe { core::slice::from_raw_parts(block.cast(), WORDS) }
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % end
    }
}

/// Flips bits of a word behind the page level's back, as rot would.
fn rot(word: &AtomicU64, bits: u64) {
    let pages = pages().expect("started");
    let page = pages
        .records
        .page_of(core::ptr::from_ref(word).addr())
        .expect("protected");
    let session = Session::open().expect("none is open");
    let is_closed = pages.records.open(page).load(Relaxed) == 0;
    assert!(pages.guard.open(page));
    word.fetch_xor(bits, Relaxed);
    assert!(!is_closed || pages.guard.close(page, 1));
    core::mem::forget(session);
    crate::page::session::end_without_looking();
}

fn demand_all_intact() {
    let pages = pages().expect("started");
    let codes = pages.codes.as_ref().expect("started with codes");
    for page in 0..pages.committed_pages.load(Relaxed) {
        assert!(
            codes.is_intact(page, pages.records.page(page)),
            "page {page}"
        );
    }
}

#[test]
fn codes_follow_every_session() {
    passes("case_codes_follow");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_codes_follow() {
    let _scope = ProtectedScope::enter();
    // What was written before the start is sealed by it.
    let early = state();
    early.iter().for_each(|word| word.store(0x7e57, Relaxed));
    start(256, Rot::Stop);
    demand_all_intact();
    let state = state();
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    for round in 0..120u64 {
        let mut session = Session::open().expect("none is open");
        let places: Vec<usize> = (0..10)
            .map(|place| random.below(if place < 7 { 2000 } else { WORDS }))
            .collect();
        let run = || {
            places
                .iter()
                .for_each(|&place| state[place].store(round + 1, Relaxed))
        };
        run();
        match round % 3 {
            0 => session.commit(),
            1 => drop(session),
            _ => {
                session.capture();
                session.restore().expect("restored");
                run();
                session.compare().expect("equal");
                session.commit();
            }
        }
        demand_all_intact();
    }
    let layout = Layout::from_size_align(3 << 20, 8).expect("a small size");
    let allocator = AscAlloc::new();
    crate::page::in_session(|| {
        // SAFETY: the size is not zero.
        let block = unsafe { allocator.alloc(layout) };
        // SAFETY: the block is that long.
        unsafe { block.write_bytes(7, layout.size()) };
        // SAFETY: allocated above.
        unsafe { allocator.dealloc(block, layout) };
    });
    demand_all_intact();
    allocator.return_memory();
    assert!(statistics().protected.returned_bytes >= 3 << 20);
    demand_all_intact();
}

#[test]
fn a_rotten_bit_is_corrected_when_its_page_is_opened() {
    passes("case_corrected");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_corrected() {
    start(128, Rot::Correct);
    let state = state();
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    crate::page::in_session(|| {
        state
            .iter()
            .for_each(|word| word.store(0x0102_0304, Relaxed))
    });
    for injection in 1..=200 {
        // Hot pages among them: a scope examines those at its begin.
        let place = random.below(if injection % 4 == 0 { 1000 } else { WORDS });
        rot(&state[place], 1 << random.below(64));
        assert_ne!(state[place].load(Relaxed), 0x0102_0304);
        let neighbour = (place / 512) * 512 + (place + 1) % 512;
        crate::page::in_session(|| state[neighbour].store(0x0102_0304, Relaxed));
        crate::page::in_session(|| state[neighbour].store(5, Relaxed));
        crate::page::in_session(|| state[neighbour].store(0x0102_0304, Relaxed));
        assert_eq!(
            state[place].load(Relaxed),
            0x0102_0304,
            "injection {injection}"
        );
        assert_eq!(statistics().pages.corrected_bits, injection);
    }
    demand_all_intact();
}

#[test]
fn rot_that_may_not_be_corrected_ends_the_process() {
    ends("case_stops_at_one", EXIT_ROTTEN, "rotten: the line");
    ends("case_stops_at_two", EXIT_ROTTEN, "Corrupt");
    ends("case_stops_in_long_line", EXIT_ROTTEN, "Corrupt");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_stops_at_one() {
    stop_at(128, Rot::Stop, 1 << 40);
}

#[test]
#[ignore = "run as a child per backend"]
fn case_stops_at_two() {
    stop_at(128, Rot::Correct, 1 << 40 | 2);
}

#[test]
#[ignore = "run as a child per backend"]
fn case_stops_in_long_line() {
    stop_at(4096, Rot::Correct, 1 << 40);
}

fn stop_at(line_bytes: usize, policy: Rot, bits: u64) {
    start(line_bytes, policy);
    let state = state();
    crate::page::in_session(|| state[2000].store(1, Relaxed));
    rot(&state[2001], bits);
    crate::page::in_session(|| state[2000].store(2, Relaxed));
    panic!("the rot went unseen");
}

/// A hot page is not opened again, but its copy heals it before the second run, which then differs.
#[test]
fn rot_in_a_hot_page_makes_the_runs_differ() {
    passes("case_hot");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_hot() {
    start(128, Rot::Correct);
    let state = state();
    for round in 0..10 {
        crate::page::in_session(|| state[100].store(round, Relaxed));
    }
    if statistics().pages.hot_pages == 0 {
        // Without a gate there are none, and opening examines: `case_corrected`.
        assert_ne!(crate::page::backend(), Some(Backend::KeyAndUserfault));
        return;
    }
    rot(&state[101], 1 << 9);
    let mut session = Session::open().expect("none is open");
    state[100].store(77, Relaxed);
    session.capture();
    session.restore().expect("restored");
    state[100].store(77, Relaxed);
    let difference = session.compare().expect_err("the first run saw the rot");
    assert_eq!(
        difference.address & !7,
        core::ptr::from_ref(&state[101]).addr()
    );
    session.roll_back().expect("restored");
    assert_eq!((state[100].load(Relaxed), state[101].load(Relaxed)), (9, 0));
    demand_all_intact();
}

#[test]
fn the_scrubber_corrects_what_nobody_reads() {
    passes("case_scrubbed");
    ends("case_scrubber_stops", EXIT_ROTTEN, "rotten: the line");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_scrubbed() {
    start(512, Rot::Correct);
    let state = state();
    let scrubber = Scrubber::start(1 << 34).expect("started with codes");
    let mut random = Random(SEED);
    for injection in 1..=20 {
        let (place, bit) = (random.below(WORDS), random.below(64));
        rot(&state[place], 1 << bit);
        // Handlers go on meanwhile.
        while statistics().pages.corrected_bits < injection {
            crate::page::in_session(|| state[8].fetch_add(1, Relaxed));
        }
        if place != 8 {
            assert_eq!(state[place].load(Relaxed), 0);
        }
    }
    // It does not age the hot set.
    for round in 0..10 {
        crate::page::in_session(|| state[8].store(round, Relaxed));
    }
    let hot = statistics().pages.hot_pages;
    let passes = scrubber.progress().passes;
    while scrubber.progress().passes < passes + 2 {
        std::thread::yield_now();
    }
    assert_eq!(statistics().pages.hot_pages, hot);
    assert!(scrubber.progress().bytes >= 2 * (WORDS as u64 * 8));
    drop(scrubber);
    demand_all_intact();
}

#[test]
#[ignore = "run as a child per backend"]
fn case_scrubber_stops() {
    start(512, Rot::Stop);
    let state = state();
    rot(&state[30_000], 8);
    let _scrubber = Scrubber::start(1 << 34).expect("started with codes");
    loop {
        std::thread::yield_now();
    }
}
