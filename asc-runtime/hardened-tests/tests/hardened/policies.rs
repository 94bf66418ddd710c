//! What a struck handler's policy makes of it.

use std::path::Path;

use asc_runtime::{EXIT_FAULT, EXIT_REFUSED};
use serde_json::Value;

use crate::child::{self, Ended};
use crate::paged::Paged;

const MESSAGES: &str = "count=1000";
const SEEDS: std::ops::RangeInclusive<u32> = 1..=8;
const ON_FAULT: &str = "ASC_ON_FAULT";
/// Of the process.
const POLICIES: [&str; 3] = ["abort", "drop", "retry(3)"];

/// Under each policy, with a quarter of the messages struck, everything is as the policy says.
pub(crate) fn a_service_under_each_policy(policies: &Path) {
    for seed in SEEDS.map(|seed| format!("seed={seed}")) {
        for (policy, process) in [
            ("retry", "abort"),
            ("drop", "abort"),
            ("default", "retry(3)"),
            ("default", "drop"),
        ] {
            survive(policies, &seed, policy, process);
        }
        for (policy, process) in [("abort", "retry(3)"), ("default", "abort")] {
            stop(policies, &seed, policy, process);
        }
    }
}

/// The program itself compares every answer and the whole state with a model that is never struck.
fn survive(policies: &Path, seed: &str, policy: &str, process: &str) {
    let arguments = ["campaign", MESSAGES, seed, &format!("policy={policy}")];
    let ended = child::run_with(policies, &arguments, &[(ON_FAULT, process)]);
    assert_eq!(ended.status, Some(0), "{policy} {process}: {ended:?}");
    let action = if policy == "drop" || process == "drop" {
        "drop"
    } else {
        "retry"
    };
    let struck: usize = number_behind(&ended.stdout, "struck ");
    assert!(struck > 100, "{ended:?}");
    let dropped = if action == "drop" { struck } else { 0 };
    assert_eq!(number_behind(&ended.stdout, "dropped "), dropped);
    assert!(
        ended
            .stdout
            .contains(&format!("incidents: {struck} transient {action}\n")),
        "{policy}: a strike was not what it was: {}",
        ended.stdout
    );
    let incidents = incidents(&ended);
    assert_eq!(incidents.len(), struck);
    assert!(
        incidents
            .iter()
            .all(|incident| incident["action"] == action)
    );
    let metric = format!("asc_faults_total{{stage=\"compare\",action=\"{action}\"}} ");
    assert!(number_behind(&ended.stdout, &metric) > 0);
    assert!(number_behind(&ended.stdout, "asc_handlers_total ") >= 1_000);
}

/// The process ends before anything of the first struck message leaves it.
fn stop(policies: &Path, seed: &str, policy: &str, process: &str) {
    let arguments = ["campaign", MESSAGES, seed, &format!("policy={policy}")];
    let ended = child::run_with(policies, &arguments, &[(ON_FAULT, process)]);
    assert_eq!(
        ended.status,
        Some(EXIT_FAULT),
        "{policy} {process}: {ended:?}"
    );
    let last = ended.stdout.lines().last().unwrap_or_default();
    assert!(last.contains("Some(Strike"), "{ended:?}");
    let strikes = ended.stdout.matches("Some(Strike").count();
    assert_eq!(strikes, 1, "{ended:?}");
    let incidents = incidents(&ended);
    assert_eq!(incidents.len(), 1, "{ended:?}");
    assert_eq!(incidents[0]["classification"], "transient", "{ended:?}");
}

/// How a case ends under a policy.
enum End {
    Answered(&'static str),
    Dropped(&'static str),
    /// Classification, and a part of the note.
    Stopped(&'static str, &'static str),
}
use End::{Answered, Dropped, Stopped};

const STRAY: &str = "a store may have gone to an unknown place";
const HOOK: &str = "may have escaped the log";
const SHARED: &str = "has run an effect or changed shared memory";
const EFFECT: &str = "has run an effect, which is never undone";
const FAILED: &str = "every trial failed";

/// A case, and its ends under `abort`, `drop` and `retry(3)`.
type Case = (&'static str, [End; 3]);

const CASES: &[Case] = &[
    ("none", [Answered(""), Answered(""), Answered("")]),
    ("stray_in_first_run", stopped("unknown", "unknown", STRAY)),
    ("stray_in_second_run", stopped("unknown", "unknown", STRAY)),
    ("stray_range", stopped("unknown", "unknown", STRAY)),
    ("stray_and_lost", stopped("unknown", "unknown", STRAY)),
    ("escaped_hook", stopped("unknown", "unknown", HOOK)),
    (
        "escaped_hook_and_new_block",
        stopped("unknown", "unknown", HOOK),
    ),
    ("first_hook_of_two", stopped("unknown", "unknown", HOOK)),
    (
        "first_hook_of_two_apart",
        stopped("unknown", "unknown", HOOK),
    ),
    ("misplaced_hook", stopped("unknown", "unknown", HOOK)),
    ("shared_in_first_run", stopped("unknown", "unknown", SHARED)),
    (
        "shared_in_second_run",
        [
            Stopped("transient", ""),
            Stopped("transient", SHARED),
            Answered("1 transient retry"),
        ],
    ),
    ("effect_in_first_run", stopped("unknown", "unknown", SHARED)),
    (
        "effect_in_second_run",
        [
            Stopped("transient", ""),
            Stopped("transient", SHARED),
            Answered("1 transient retry"),
        ],
    ),
    ("locked_in_first_run", TRANSIENT),
    ("locked_in_second_run", TRANSIENT),
    (
        "nondeterministic",
        [
            Stopped("nondeterministic", ""),
            Dropped("1 nondeterministic drop"),
            Stopped("nondeterministic", FAILED),
        ],
    ),
    (
        "one_core",
        [
            Stopped("permanent", ""),
            Dropped("1 permanent drop"),
            Answered("1 permanent retry"),
        ],
    ),
    (
        "request_at_rest",
        [
            Stopped("corrupt_at_rest", ""),
            Dropped("1 corrupt_at_rest drop"),
            Stopped("corrupt_at_rest", FAILED),
        ],
    ),
    (
        "handler_in_callback",
        [
            Stopped("transient", ""),
            Dropped("1 transient drop"),
            Answered("1 transient retry"),
        ],
    ),
    (
        "thousand_allocations",
        [
            Stopped("transient", ""),
            Dropped("1 transient drop"),
            Answered("1000 transient retry"),
        ],
    ),
];

/// Cases in which running again does harm: only a process that stops anyway must survive that.
const HARMFUL: [&str; 2] = ["crash_when_tried_again", "hang_when_tried_again"];

const TRANSIENT: [End; 3] = [
    Stopped("transient", ""),
    Dropped("1 transient drop"),
    Answered("1 transient retry"),
];

const fn stopped(abort: &'static str, others: &'static str, note: &'static str) -> [End; 3] {
    [
        Stopped(abort, ""),
        Stopped(others, note),
        Stopped(others, note),
    ]
}

/// What ends otherwise in page mode: no hook can be missed there, pages and the callers' stack are undone
/// whole, and what was added atomically is subtracted again.
const PAGED_CASES: &[Case] = &[
    ("stray_in_first_run", TRANSIENT),
    ("stray_in_second_run", TRANSIENT),
    ("stray_range", TRANSIENT),
    ("stray_and_lost", TRANSIENT),
    ("escaped_hook", [Answered(""), Answered(""), Answered("")]),
    (
        "escaped_hook_and_new_block",
        [Answered(""), Answered(""), Answered("")],
    ),
    (
        "first_hook_of_two",
        [Answered(""), Answered(""), Answered("")],
    ),
    (
        "first_hook_of_two_apart",
        [Answered(""), Answered(""), Answered("")],
    ),
    ("misplaced_hook", [Answered(""), Answered(""), Answered("")]),
    ("shared_in_first_run", TRANSIENT),
    ("shared_in_second_run", TRANSIENT),
    ("effect_in_first_run", stopped("unknown", "unknown", EFFECT)),
    (
        "effect_in_second_run",
        stopped("unknown", "unknown", EFFECT),
    ),
    ("request_at_rest", TRANSIENT),
];

/// The same in page mode.
pub(crate) fn the_limits_of_recovery_in_page_mode(paged: &Paged<'_>) {
    for (name, ends) in CASES {
        let others = PAGED_CASES.iter().find(|(known, _)| known == name);
        let ends = others.map_or(ends, |(_, ends)| ends);
        for (policy, end) in POLICIES.iter().zip(ends) {
            let ended = play_paged(paged, name, policy);
            let what = format!("{name} under {policy} on {}", paged.backend());
            expect(&what, &ended, end);
        }
    }
    for name in HARMFUL {
        let ended = play_paged(paged, name, "abort");
        expect(name, &ended, &Stopped("unknown", ""));
    }
}

fn play_paged(paged: &Paged<'_>, name: &str, policy: &str) -> Ended {
    let case = format!("case={name}");
    paged.run_with("policies", &[&case], &[(ON_FAULT, policy)])
}

/// What no policy may survive stops the process, and what tells faults apart is told.
pub(crate) fn the_limits_of_recovery(policies: &Path) {
    let mut known: Vec<_> = CASES.iter().map(|(name, _)| *name).collect();
    known.extend(HARMFUL);
    known.sort_unstable();
    let list = child::succeed(policies, &["list"]);
    let mut listed: Vec<_> = list.lines().collect();
    listed.sort_unstable();
    assert_eq!(listed, known, "every case has its ends");
    for (name, ends) in CASES {
        for (policy, end) in POLICIES.iter().zip(ends) {
            let ended = play(policies, name, policy);
            expect(&format!("{name} under {policy}"), &ended, end);
        }
    }
    for name in HARMFUL {
        let ended = play(policies, name, "abort");
        expect(name, &ended, &Stopped("unknown", ""));
    }
}

fn play(policies: &Path, name: &str, policy: &str) -> Ended {
    child::run_with(policies, &[&format!("case={name}")], &[(ON_FAULT, policy)])
}

fn expect(what: &str, ended: &Ended, end: &End) {
    let incidents = incidents(ended);
    match end {
        Answered(kinds) | Dropped(kinds) => {
            let outcome = if matches!(end, Answered(_)) {
                "answered"
            } else {
                "dropped"
            };
            assert_eq!(ended.status, Some(0), "{what}: {ended:?}");
            assert!(ended.stdout.contains(outcome), "{what}: {ended:?}");
            let heard = ended
                .stdout
                .lines()
                .find_map(|line| line.strip_prefix("incidents: "));
            assert_eq!(heard.unwrap_or_default(), *kinds, "{what}: {ended:?}");
        }
        Stopped(classification, note) => {
            assert_eq!(ended.status, Some(EXIT_FAULT), "{what}: {ended:?}");
            assert!(!ended.stdout.contains("answered"), "{what}: {ended:?}");
            assert_eq!(incidents.len(), 1, "{what}: {ended:?}");
            let incident = &incidents[0];
            assert_eq!(incident["action"], "stop", "{what}");
            assert_eq!(
                incident["classification"], *classification,
                "{what}: {incident}"
            );
            let found = incident["note"].as_str().expect("a note is a string");
            assert!(found.contains(note), "{what}: {incident}");
            assert_eq!(found.is_empty(), note.is_empty(), "{what}: {incident}");
        }
    }
}

/// Single faults between the stages from which a handler recovers that does nothing irrevocable.
const RECOVERED: [&str; 6] = [
    "recorded_effect",
    "recorded_output",
    "recorded_result",
    "recorded_result_after_rollback",
    "rollback_skipped",
    "saved_block",
];

/// An incident names the line that stored first to the place that differs, or that was executing when
/// the runs parted.
pub(crate) fn lines_of_source(policies: &Path) {
    for (case, line) in [
        ("shared_in_second_run", "*state += black_box(u64::from"),
        ("escaped_hook", "place).write_volatile(value)"),
        ("thousand_allocations", "vec![1; BLOCK_BYTES"),
        ("request_at_rest", "reply.write(request.bytes())"),
    ] {
        let ended = play(policies, case, "abort");
        let source = incidents(&ended)[0]["source"].clone();
        let (file, number) = source
            .as_str()
            .and_then(|text| text.rsplit_once(':'))
            .expect("file:line");
        assert!(
            file.ends_with("src/bin/policies/cases.rs"),
            "{case}: {source}"
        );
        let text = std::fs::read_to_string(file).expect("the source is here");
        let number: usize = number.parse().expect("a line");
        let found = text.lines().nth(number - 1).expect("a line of the file");
        assert!(found.contains(line), "{case}: {source}: {found}");
    }
}

/// Faults in the runtime itself are recovered from where its records allow it; else the process stops.
/// They never lead to a wrong state or answer.
pub(crate) fn recovery_never_trusts_what_was_struck(trap: &Path, names: &[String], flips: &str) {
    let retry = [(ON_FAULT, "retry(3)")];
    for name in names {
        let arguments = ["undoable", &format!("fault={name}")];
        let ended = child::run_with(trap, &arguments, &retry);
        let expected = if RECOVERED.contains(&&**name) {
            (Some(0), "before\nafter: harmless\n")
        } else {
            (Some(EXIT_FAULT), "before\n")
        };
        assert_eq!(
            (ended.status, &*ended.stdout),
            expected,
            "{name}: {ended:?}"
        );
    }
    for arguments in [&["campaign", flips][..], &["campaign", flips, "undoable"]] {
        let ended = child::run_with(trap, arguments, &retry);
        assert_eq!(ended.status, Some(0), "{ended:?}");
    }
}

/// The environment is understood or refused, and a file gets what standard error gets.
pub(crate) fn settings_of_the_environment(policies: &Path) {
    for wrong in ["ignore", "retry", "retry(0)", "retry(256)", "Abort!"] {
        // This case goes on when its own setup fails; the runtime does not.
        let ended = play(policies, "handler_in_callback", wrong);
        assert_eq!(ended.status, Some(EXIT_REFUSED), "{wrong}: {ended:?}");
        assert!(
            ended.stderr.contains("ASC_ON_FAULT: expected `abort`"),
            "{wrong}: {ended:?}"
        );
        let ended = play(policies, "none", wrong);
        assert_ne!(ended.status, Some(0), "{wrong}: {ended:?}");
        assert!(
            ended.stderr.contains("ASC_ON_FAULT: expected `abort`"),
            "{wrong}: {ended:?}"
        );
    }
    let directory = tempfile::tempdir().expect("a directory for temporary files");
    let file = directory.path().join("incidents.jsonl");
    let path = file.to_str().expect("a readable path");
    let environment = [(ON_FAULT, "retry(3)"), ("ASC_INCIDENT_FILE", path)];
    let mut said = String::new();
    for case in ["shared_in_second_run", "nondeterministic"] {
        let ended = child::run_with(policies, &[&format!("case={case}")], &environment);
        said.push_str(&ended.stderr);
    }
    assert_eq!(said.lines().count(), 2, "{said}");
    assert_eq!(
        std::fs::read_to_string(&file).expect("the file of incidents"),
        said
    );
    let nowhere = directory.path().join("none/incidents");
    let nowhere = nowhere.to_str().expect("a readable path");
    let ended = child::run_with(policies, &["case=none"], &[("ASC_INCIDENT_FILE", nowhere)]);
    assert!(ended.stderr.contains("cannot be written to"), "{ended:?}");
}

fn incidents(ended: &Ended) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
    let incidents: Vec<Value> = ended.stderr.lines().map(parse).collect();
    for incident in &incidents {
        assert_eq!(incident["asc_incident"], asc_runtime::INCIDENT_VERSION);
        let (expected, found) = (word(&incident["expected"]), word(&incident["found"]));
        let flipped = (expected ^ found).count_ones();
        assert_eq!(incident["flipped_bits"], flipped);
        assert_eq!(incident["single_bit"], flipped == 1);
        assert!(
            incident["time_ms"]
                .as_u64()
                .is_some_and(|time| time > 1_700_000_000_000)
        );
        assert!(incident["core"].is_u64(), "{incident}");
        assert_ne!(incident["processor"], "", "{incident}");
        assert!(
            incident["file"]
                .as_str()
                .is_some_and(|file| file.ends_with(".rs"))
        );
        assert!(incident["line"].as_u64().is_some_and(|line| line > 0));
    }
    incidents
}

fn word(value: &Value) -> u64 {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    u64::from_str_radix(digits.expect("a hexadecimal string"), 16).expect("a word")
}

/// The number that stands behind the last `label`.
fn number_behind(text: &str, label: &str) -> usize {
    let (_, rest) = text
        .rsplit_once(label)
        .unwrap_or_else(|| panic!("no {label}: {text}"));
    let digits = rest
        .split(|character: char| !character.is_ascii_digit())
        .next();
    digits
        .and_then(|digits| digits.parse().ok())
        .expect("a number")
}
