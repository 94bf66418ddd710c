//! Stores of a program gone wrong.

use std::sync::atomic::{AtomicU64, Ordering};

use asc_hardened_tests::child::{Ended, fork};
use asc_hardened_tests::random::Random;
use asc_hardened_tests::{arguments, unseen};
use asc_runtime::EXIT_FAULT;
use serde_json::Value;

use crate::state::{Place, State};

/// The file that the incidents must name.
const FILE: &str = "outside/stray.rs";
/// Frames that each backtrace has at least.
const FRAMES_MIN: usize = 4;

type Way = fn(&mut u64);

/// How it is stored.
const WAYS: [(&str, Way); 5] = [
    ("store", store),
    ("atomic operation", add),
    ("C code", copy),
    ("assembly", assembly),
    ("thread", thread),
];

#[inline(never)]
fn store(word: &mut u64) {
    *word ^= 1 << 17;
}

#[inline(never)]
fn add(word: &mut u64) {
    // SAFETY: a live, aligned word.
    unsafe { AtomicU64::from_ptr(word) }.fetch_add(1, Ordering::Relaxed);
}

/// The store is in the C library, which has no lines: its caller is named.
#[inline(never)]
fn copy(word: &mut u64) {
    // SAFETY: a live word.
    unsafe { libc::memset((&raw mut *word).cast(), 0x55, size_of::<u64>()) };
}

#[inline(never)]
fn assembly(word: &mut u64) {
    unseen::arm();
    // SAFETY: a live word.
    unsafe { unseen::flip((&raw mut *word).cast(), 4) };
}

/// A thread that knows nothing of handlers.
fn thread(word: &mut u64) {
    std::thread::scope(|scope| {
        scope.spawn(|| store(word));
    });
}

/// Injects, counts, and looks at each incident.
pub(crate) fn run() {
    let seed = arguments::number("seed", 1);
    let count = arguments::number("count", 150);
    println!("stray seed={seed} count={count}");
    let mut random = Random::new(seed);
    let mut state = State::new();
    let mut caught = 0;
    for number in 0..count {
        let place = Place::of(number);
        let (name, way) = WAYS[number as usize % WAYS.len()];
        let word = state.word(place, &mut random);
        let ended = fork(|| {
            // SAFETY: a word of the state; this process ends.
            way(unsafe { &mut *word });
        });
        if ended.status == EXIT_FAULT {
            caught += 1;
            expect_incident(&ended, word.addr(), &format!("{name}, {place:?}"));
        } else {
            assert_eq!(
                (ended.status, ended.incident.as_str()),
                (0, ""),
                "{name}, {place:?}"
            );
        }
    }
    println!("injected {count}, caught {caught}");
}

/// One line of JSON with the address and the line of source, behind the backtrace.
fn expect_incident(ended: &Ended, address: usize, name: &str) {
    let said = &ended.incident;
    let (backtrace, incident) = said
        .trim_end()
        .rsplit_once('\n')
        .unwrap_or_else(|| panic!("{name}: {said}"));
    let frames = backtrace.lines().filter(|line| line.contains("[0x"));
    assert!(frames.count() >= FRAMES_MIN, "{name}: {said}");
    let incident: Value = serde_json::from_str(incident).expect("an incident is JSON");
    let found = incident["address"].as_str().unwrap_or_default();
    let found = usize::from_str_radix(found.trim_start_matches("0x"), 16);
    // Of the word's bytes the first that is written.
    assert!(
        found.is_ok_and(|found| (address..address + 8).contains(&found)),
        "{name} at {address:#x}: {incident}"
    );
    assert_eq!(incident["stage"], "stray_write", "{name}: {incident}");
    assert_eq!(incident["handler"], "", "{name}: {incident}");
    assert_eq!(incident["action"], "stop", "{name}: {incident}");
    let source = incident["source"].as_str().unwrap_or_default();
    let is_named =
        source.contains(FILE) || name.starts_with("assembly") && source.contains("unseen.rs");
    assert!(is_named, "{name}: {incident}");
}
