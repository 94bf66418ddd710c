//! What page mode must show where nothing but protected memory and the thread's stack is seen.

use asc_runtime::EXIT_FAULT;
use serde_json::Value;

use crate::child;
use crate::incidents;
use crate::paged::{DIFFERENTIAL_STEPS, Paged};
use crate::programs;

/// Subjects of `differential` whose handlers keep state elsewhere: in statics, thread-locals (the keys of a new
/// `HashMap`) or what several threads share. It changes twice.
const SUBJECTS_OUTSIDE: [&str; 6] = [
    "random_keys",
    "shared_atomics",
    "effects",
    "hash_maps",
    "statics",
    "thread_locals",
];

/// Faults of `trap` whose handlers change statics, thread-locals, locks or blocks from outside of `protected`. They
/// go unseen, or the handler is stopped in good health, because what it changes differs the second time.
const FAULTS_OUTSIDE: [&str; 15] = [
    "atomic_operand",
    "atomic_operation",
    "exchange_operand",
    "exchange_expectation",
    "exchange_for_ever",
    "maximum",
    "extra_atomic",
    "missing_atomic",
    "other_lock",
    "missing_lock",
    "extra_lock",
    "state_range",
    "static_word",
    "thread_local_destructor",
    "thread_local_word",
];

const NOTE: &str = "without protection keys a store may have escaped the rollback";

/// Handlers and plain operations agree, and every handler ran twice.
pub(crate) fn state_in_protected_memory_agrees(paged: &Paged<'_>) {
    let plain = paged.plain("differential");
    let subjects = subjects(&child::succeed(&plain, &["count=1"]));
    for subject in SUBJECTS_OUTSIDE {
        assert!(subjects.iter().any(|known| known == subject), "{subject}");
    }
    let count = programs::times("count", DIFFERENTIAL_STEPS);
    for subject in subjects
        .iter()
        .filter(|subject| !SUBJECTS_OUTSIDE.contains(&subject.as_str()))
    {
        let only = format!("only={subject}");
        let printed = paged.succeed("differential", &[&count, &only]);
        assert!(printed.contains("mode page"), "{subject}: {printed}");
        let expected = child::succeed(&plain, &[&count, &only]);
        let digest = expected.lines().find(|line| line.contains(" steps: "));
        let digest = digest.unwrap_or_else(|| panic!("{subject}: {expected}"));
        assert!(
            printed.contains(digest),
            "{digest:?} is missing in {printed}"
        );
    }
    for set in ["set=visible", "set=opaque"] {
        let printed = paged.succeed("bodies", &[set]);
        assert!(printed.contains(" bodies, mode page"), "{printed}");
    }
}

fn subjects(printed: &str) -> Vec<String> {
    let is_subject = |line: &&str| line.contains(" steps: ");
    let name = |line: &str| line.split_whitespace().next().map(str::to_owned);
    printed
        .lines()
        .filter(is_subject)
        .filter_map(name)
        .collect()
}

/// Nothing leaves a struck handler whose state lies where it belongs.
pub(crate) fn faults_in_what_is_seen_are_caught(paged: &Paged<'_>) {
    let (outside, seen): (Vec<_>, Vec<_>) = incidents::of_page_mode()
        .into_iter()
        .map(|incident| incident.fault)
        .partition(|fault| FAULTS_OUTSIDE.contains(fault));
    assert_eq!(outside.len(), FAULTS_OUTSIDE.len(), "{outside:?}");
    for fault in seen {
        let ended = paged.run("trap", &[&format!("fault={fault}")]);
        let what = format!("{fault} on {}: {ended:?}", paged.backend());
        assert_eq!(ended.status, Some(EXIT_FAULT), "{what}");
        assert_eq!(ended.stdout, "before\n", "{what}");
        let incident: Value = serde_json::from_str(&ended.stderr).expect("an incident is JSON");
        assert_ne!(incident["reason"], "", "{what}");
    }
    for healthy in ["fault=none", "fault=none_in_a_million"] {
        assert_eq!(paged.succeed("trap", &[healthy]), "before\nafter\n");
    }
}

/// Whether the rollback was complete is not known, so every policy stops the process, and says why.
pub(crate) fn no_fault_is_survived(paged: &Paged<'_>) {
    for policy in ["drop", "retry"] {
        let arguments = ["campaign", "count=1000", &format!("policy={policy}")];
        let ended = paged.run("policies", &arguments);
        let what = format!("{policy} on {}: {ended:?}", paged.backend());
        assert_eq!(ended.status, Some(EXIT_FAULT), "{what}");
        let incident: Value = serde_json::from_str(&ended.stderr).expect("an incident is JSON");
        assert_eq!(incident["action"], "stop", "{what}");
        assert_eq!(incident["note"], NOTE, "{what}");
    }
}
