//! Existing programs on this allocator: each answers what it answers on the system's.

#[path = "../support/cases.rs"]
mod cases;
mod chosen;
mod workloads;

use std::path::{Path, PathBuf};

use chosen::{Chosen, NAMES, VARIABLE};
use workloads::WORKLOADS;

#[global_allocator]
static ALLOC: Chosen = Chosen;

/// Answers shorter than that would say that a program does nothing.
const ANSWER_BYTES_MIN: usize = 10_000;
const TIMES: usize = 3;

#[test]
fn programs_answer_as_on_the_system_allocator() {
    let directory = directory();
    workloads::generate(&directory).expect("the target directory is writable");
    let [expected, found] = [NAMES[0], NAMES[1]].map(answers);
    let (expected, found) = (&expected, &found);
    for (name, _) in WORKLOADS {
        let [expected, found] = [expected, found].map(|answers| line(answers, name));
        println!("{expected}");
        assert_eq!(expected, found);
    }
    // The choice is real.
    assert_eq!(line(expected, "heap"), "heap: 0 bytes of asc-alloc");
    let bytes = line(found, "heap").trim_start_matches("heap: ");
    let bytes = bytes
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok());
    assert!(bytes.is_some_and(|bytes: u64| bytes > 1 << 20), "{found}");
}

#[test]
fn every_case_is_run() {
    cases::demand_all_are_run(&[include_str!("main.rs")]);
}

#[test]
#[ignore = "run as a child per allocator"]
fn case_answers() {
    println!();
    for (name, workload) in WORKLOADS {
        let answers: Vec<_> = (0..TIMES).map(|_| workload(&directory())).collect();
        assert!(
            answers.iter().all(|answer| *answer == answers[0]),
            "{name} differs from itself"
        );
        let answer = &answers[0];
        assert!(answer.len() > ANSWER_BYTES_MIN, "{name}: {answer}");
        println!("{name}: {} bytes, {:016x}", answer.len(), digest(answer));
    }
    let statistics = asc_alloc::statistics();
    let bytes = statistics.ordinary.committed_bytes;
    println!("heap: {bytes} bytes of asc-alloc");
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs")
}

fn answers(allocator: &str) -> String {
    let output = cases::run(cases::command("case_answers").env(VARIABLE, allocator));
    let said = cases::text(&output);
    assert!(output.status.success(), "{allocator}: {said}");
    said
}

fn line<'a>(answers: &'a str, name: &str) -> &'a str {
    let begins = |line: &&str| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(": "))
    };
    answers
        .lines()
        .find(begins)
        .unwrap_or_else(|| panic!("no {name}: {answers}"))
}

/// FNV-1a.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
