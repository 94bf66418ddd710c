//! Writes to protected memory outside of sessions.

use std::hint::black_box;

use asc_alloc::ProtectedScope;
use asc_alloc::page::EXIT_STRAY_WRITE;

use crate::children::{child, ends, in_child, offered, passes, text};
use crate::{ALLOC, PAGE_WORDS, begin, start};

#[test]
fn a_stray_write_is_caught_in_every_place() {
    ends("strays::case_stray_main", EXIT_STRAY_WRITE, "stray write");
    ends("strays::case_stray_thread", EXIT_STRAY_WRITE, "stray write");
    ends(
        "strays::case_stray_after_sessions",
        EXIT_STRAY_WRITE,
        "stray write",
    );
    ends(
        "strays::case_stray_fresh_memory",
        EXIT_STRAY_WRITE,
        "stray write",
    );
}

#[test]
#[ignore = "run as a child per backend"]
fn case_stray_main() {
    start();
    let mut state = black_box(ALLOC.protected(|| vec![0u64; 1000]));
    state[500] = 1;
    panic!("the write went through");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_stray_thread() {
    start();
    let mut state = black_box(ALLOC.protected(|| vec![0u64; 1000]));
    let outcome = std::thread::spawn(move || state[1] = 1).join();
    panic!("the write went through: {outcome:?}");
}

/// The page is hot behind the gate by then.
#[test]
#[ignore = "run as a child per backend"]
fn case_stray_after_sessions() {
    start();
    let mut state = black_box(ALLOC.protected(|| vec![0u64; 1000]));
    for round in 0..10 {
        let session = begin();
        state[3] = round;
        session.commit();
    }
    state[3] = 99;
    panic!("the write went through");
}

/// Memory that was never touched, some of it committed after the start.
#[test]
#[ignore = "run as a child per backend"]
fn case_stray_fresh_memory() {
    start();
    let scope = ProtectedScope::enter();
    let mut state = vec![0u64; 16 << 20];
    drop(scope);
    assert_eq!(state[12 << 20], 0);
    state[12 << 20] = 1;
    panic!("the write went through");
}

/// Random places: pages that are hot, were written once, were only read, and were never touched; large
/// blocks and small ones; the protected blocks of a data structure and what was freed in between.
#[test]
fn every_injected_stray_write_is_caught() {
    passes("strays::case_stray_injected");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_stray_injected() {
    const SEED: u64 = 0x5eed_57a1;
    const INJECTIONS: usize = 300;
    start();
    asc_alloc::page::set_stray_write_reporter(|_| ());
    let (mut large, mut small) = ALLOC.protected(|| {
        let small: Vec<Box<[u64; 12]>> = (0..5000).map(|_| Box::new([1; 12])).collect();
        (vec![0u64; 1 << 20], small)
    });
    for round in 0..50 {
        let session = begin();
        for page in 0..20 {
            large[page * PAGE_WORDS] = round;
        }
        large[(100 + round as usize) * PAGE_WORDS] = round;
        session.commit();
    }
    assert!(large[1 << 19..].iter().all(|&word| word == 0));
    println!("seed {SEED:#x}");
    let mut state = SEED;
    let mut random = |end: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % end
    };
    for injection in 0..INJECTIONS {
        let (place, node) = (random(1 << 20), random(5000));
        let hot = random(20) * PAGE_WORDS;
        let status = in_child(|| match injection % 3 {
            0 => large[place] ^= 1 << 17,
            1 => small[node][place % 12] ^= 1,
            _ => large[hot] ^= 1,
        });
        assert_eq!(
            status, EXIT_STRAY_WRITE,
            "injection {injection}: {place} {node} {hot}"
        );
    }
}

#[test]
fn a_stray_write_during_another_threads_session_is_caught() {
    ends(
        "strays::case_stray_beside_session",
        EXIT_STRAY_WRITE,
        "stray write",
    );
}

#[test]
#[ignore = "run as a child per backend"]
fn case_stray_beside_session() {
    start();
    let (mut mine, mut others) = ALLOC.protected(|| (vec![0u64; 10_000], vec![0u64; 10_000]));
    let session = begin();
    mine[5_000] = 1;
    // Started before the gate opened it would be without rights; here it inherits them, so the
    // session ends first for its thread.
    session.commit();
    let (go, wait) = std::sync::mpsc::channel();
    let (tell, told) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        wait.recv().expect("told to go");
        others[5_000] = 1;
        tell.send(()).expect("still there");
    });
    let session = begin();
    mine[5_000] = 2;
    go.send(()).expect("the thread waits");
    told.recv().expect("the write went through");
    session.commit();
    thread.join().expect("ends");
    panic!("the write went through");
}

#[test]
fn the_report_names_address_and_callers() {
    for backend in offered() {
        let output = child(backend, "strays::case_stray_named");
        let said = text(&output);
        let address = said
            .lines()
            .find_map(|line| line.strip_prefix("about to write: "))
            .expect("the case says where it writes");
        assert!(
            said.contains(&format!("protected memory at {address}")),
            "{said}"
        );
        let frames = said
            .lines()
            .filter(|line| line.contains("(+0x") || line.contains("[0x"));
        assert!(frames.count() >= 4, "{backend}: {said}");
        assert_eq!(output.status.code(), Some(EXIT_STRAY_WRITE));
    }
}

#[test]
#[ignore = "run as a child per backend"]
fn case_stray_named() {
    start();
    let mut state = black_box(ALLOC.protected(|| vec![0u64; 1000]));
    println!("\nabout to write: {:#x}", (&raw const state[77]).addr());
    black_box(&mut state)[77] = 1;
}
