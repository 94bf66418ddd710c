//! What each program must show.

use std::path::Path;

use asc_runtime::{EXIT_FAULT, EXIT_REFUSED};
use serde_json::Value;

use crate::build::{Build, Programs};
use crate::child::{self, Ended};
use crate::incidents::{self, Incident};
use crate::policies;

const DIFFERENTIAL_STEPS: u64 = 1_500;
const AUDITED_STEPS: u64 = 25;
const CRATE_STEPS: u64 = 5_000;
const RAFT_HANDLERS: u64 = 50_000;
const RAFT_HANDLERS_LONG: u64 = 1_000_000;
const STRIKES: u64 = 5_000;
/// Lives that end with an incident, of each kind of rot and length of lines.
pub(crate) const ROTTEN_LIVES: u64 = 500;
/// The same where each incident looks its line up in all of the debug information.
pub(crate) const ROTTEN_LIVES_DEBUG: u64 = 20;
const SHARING_STEPS: u64 = 5_000;

/// A count, made longer by `ASC_TEST_STEPS`.
pub(crate) fn times(name: &str, count: u64) -> String {
    let factor = std::env::var("ASC_TEST_STEPS").map_or(1, |text| text.parse().expect("a number"));
    format!("{name}={}", count * factor)
}

/// Hardened and plain operations agree, and no handler changes memory unlogged.
pub(crate) fn all_agree(programs: &Programs) {
    let differential = programs.program("differential");
    let printed = child::succeed(
        &differential,
        &[&times("count", DIFFERENTIAL_STEPS), "threads=2"],
    );
    assert!(printed.contains("mode hardened"), "{printed}");
    child::succeed(
        &differential,
        &[&times("count", AUDITED_STEPS), "seed=2", "audit"],
    );
    child::succeed(
        &programs.program("popular_crates"),
        &[&times("count", CRATE_STEPS)],
    );
    child::succeed(
        &programs.program("raft_cluster"),
        &[&times("handlers", RAFT_HANDLERS)],
    );
}

/// A million handlers of an unmodified consensus engine raise no alarm.
pub(crate) fn raft_runs_a_million_handlers(programs: &Programs) {
    let handlers = times("handlers", RAFT_HANDLERS_LONG);
    let printed = child::succeed(&programs.program("raft_cluster"), &[&handlers, "seed=3"]);
    assert!(printed.contains("faults: 0"), "{printed}");
}

/// Every fault of `trap` ends it with the incident that `incidents` expects.
pub(crate) fn all_faults_are_caught(programs: &Programs) {
    let trap = programs.program("trap");
    let expected = if programs.line_codes {
        incidents::with_line_codes(programs.unwinds)
    } else {
        incidents::of_handlers(programs.unwinds)
    };
    assert_eq!(
        list(&trap),
        names(&expected),
        "every fault has its incident"
    );
    for incident in expected {
        expect_incident(&trap, &incident);
    }
    for healthy in ["fault=none", "fault=none_in_a_million"] {
        assert_eq!(child::succeed(&trap, &[healthy]), "before\nafter\n");
    }
}

/// Bits that flip in protected memory while it rests are corrected or stopped, in lines of every length;
/// threads that share lines raise no alarm.
pub(crate) fn all_rot_is_found(programs: &Programs, lives: u64) {
    let rest = programs.program("rest");
    for line_bytes in ["64", "128", "256", "512", "1024", "4096"] {
        let with = [("ASC_LINE_BYTES", line_bytes)];
        let counts = [&times("count", lives)[..], "lines=2"];
        println!("lines of {line_bytes} bytes");
        let corrects = line_bytes.len() < 4;
        let single = if corrects { "single" } else { "stop" };
        for mode in [single, "several"] {
            let ended = child::run_with(&rest, &[&[mode], &counts[..]].concat(), &with);
            assert_eq!(ended.status, Some(0), "{mode}: {ended:?}");
            let corrections = ended
                .stderr
                .lines()
                .filter(|line| line.contains("asc_correction"));
            assert_eq!(corrections.count(), ended.stderr.lines().count());
            print!("{}", ended.stdout);
        }
        for mode in ["wild", "shared"] {
            let printed =
                child::succeed_with(&rest, &[mode, &times("count", SHARING_STEPS)], &with);
            assert!(printed.contains("corrected_bits: 0"), "{printed}");
        }
    }
    for mode in ["during", "stray", "hook"] {
        print!("{}", child::succeed(&rest, &[mode]));
    }
    let stops = [("ASC_ROT", "stop")];
    print!(
        "{}",
        child::succeed_with(&rest, &["stop", &times("count", lives)], &stops)
    );
    let scrubs = [("ASC_SCRUB_MIB_PER_SECOND", "500")];
    let ended = child::run_with(&rest, &["scrubber", "lines=20"], &scrubs);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    print!("{}", ended.stdout);
    print!(
        "{}",
        child::succeed_with(&rest, &["forks", "count=20"], &scrubs)
    );
    let scrubbed = child::succeed_with(&rest, &["shared", &times("count", SHARING_STEPS)], &scrubs);
    assert!(scrubbed.contains("no mismatch"), "{scrubbed}");
    for (name, value) in [
        ("ASC_LINE_BYTES", "100"),
        ("ASC_ROT", "ignore"),
        ("ASC_LINE_BYTES", "x"),
    ] {
        let ended = child::run_with(&rest, &["wild"], &[(name, value)]);
        expect_refusal(name, &ended, "rest wild seed=1 lines=4 count=2000\n");
    }
}

/// Everything that has no place in a handler ends the program with the way out.
pub(crate) fn all_misuse_is_refused(programs: &Programs) {
    let refusal = programs.program("refusal");
    for name in list(&refusal) {
        let ended = child::run(&refusal, &[&format!("call={name}")]);
        expect_refusal(&name, &ended, "before\n");
        let expected = match name.as_str() {
            "handler_in_effect" => "call it before or after the effect",
            "deferred_in_effect" => "call it in the handler, with what the effect returned",
            "lock_twice" => "drop the first guard before",
            "write_what_was_read" => "call `write` instead of `read`",
            "locks_in_a_circle" => "take locks in the same order everywhere",
            "effect_on_output" => "return the bytes from the effect",
            name if name.ends_with("_output") => "an `Output` is",
            _ => "input and output belong outside",
        };
        assert!(ended.stderr.contains(expected), "{name}: {ended:?}");
    }
    let ended = child::run(&programs.program("own_allocator"), &[]);
    expect_refusal("own_allocator", &ended, "before\n");
    assert!(ended.stderr.contains("asc_runtime::Asc::new("), "{ended:?}");
    let wrapped = programs.program("wrapped_allocator");
    if programs.line_codes {
        let ended = child::run(&wrapped, &[]);
        expect_refusal("wrapped_allocator", &ended, "before\n");
        assert!(ended.stderr.contains("memory has no codes"), "{ended:?}");
    } else {
        child::succeed(&wrapped, &[]);
    }
    child::succeed(&programs.program("audit_self_test"), &[]);
}

/// A struck handler ends as its policy says.
pub(crate) fn all_policies_are_kept(programs: &Programs) {
    let program = programs.program("policies");
    policies::a_service_under_each_policy(&program);
    policies::the_limits_of_recovery(&program);
    policies::settings_of_the_environment(&program);
    policies::lines_of_source(&program);
}

/// Faults between the stages are caught, and flipped bits in the runtime's memory never lead to a
/// wrong result that nobody notices.
pub(crate) fn the_runtime_survives_strikes(build: &Build) {
    let trap = build.runtime_trap();
    let expected = incidents::of_the_runtime();
    assert_eq!(
        list(&trap),
        names(&expected),
        "every fault has its incident"
    );
    for incident in expected {
        expect_incident(&trap, &incident);
    }
    let flips = times("flips", STRIKES);
    child::succeed(&trap, &["campaign", &flips]);
    policies::recovery_never_trusts_what_was_struck(&trap, &list(&trap), &flips);
}

/// The same programs do the same without any hardening.
pub(crate) fn all_run_plain(programs: &Programs) {
    let printed = child::succeed(
        &programs.program("differential"),
        &["count=500", "threads=2"],
    );
    assert!(printed.contains("mode plain"), "{printed}");
    for name in [
        "popular_crates",
        "own_allocator",
        "wrapped_allocator",
        "audit_self_test",
    ] {
        child::succeed(&programs.program(name), &[]);
    }
    child::succeed(&programs.program("raft_cluster"), &["handlers=50000"]);
    assert_eq!(
        child::succeed(&programs.program("trap"), &["fault=none"]),
        "before\nafter\n"
    );
}

pub(crate) fn list(program: &Path) -> Vec<String> {
    let mut names: Vec<_> = child::succeed(program, &["list"])
        .lines()
        .map(str::to_owned)
        .collect();
    names.retain(|name| !name.starts_with("none"));
    names.sort();
    names
}

fn names(incidents: &[Incident]) -> Vec<String> {
    let mut names: Vec<_> = incidents
        .iter()
        .map(|incident| incident.fault.to_owned())
        .collect();
    names.sort();
    names
}

fn expect_incident(program: &Path, expected: &Incident) {
    let fault = expected.fault;
    let ended = child::run(program, &[&format!("fault={fault}")]);
    assert_eq!(ended.status, Some(EXIT_FAULT), "{fault}: {ended:?}");
    assert_eq!(
        ended.stdout, "before\n",
        "{fault}: something left after the fault"
    );
    assert_eq!(ended.stderr.lines().count(), 1, "{fault}: {ended:?}");
    let incident: Value = serde_json::from_str(&ended.stderr).expect("an incident is JSON");
    assert_eq!(incident["stage"], expected.stage, "{fault}: {incident}");
    assert_eq!(incident["reason"], expected.reason, "{fault}: {incident}");
    assert_eq!(incident["action"], "stop", "{fault}: {incident}");
}

pub(crate) fn expect_refusal(name: &str, ended: &Ended, printed: &str) {
    assert_eq!(ended.status, Some(EXIT_REFUSED), "{name}: {ended:?}");
    assert_eq!(
        ended.stdout, printed,
        "{name}: something left after the refusal"
    );
    assert_eq!(ended.stderr.lines().count(), 1, "{name}: {ended:?}");
    assert!(
        ended.stderr.starts_with("asc: refused: "),
        "{name}: {ended:?}"
    );
}
