//! Bodies in every syntax: intercepted in the source, in page mode, and by `cargo asc`.

use std::path::Path;

use asc_runtime::{EXIT_FAULT, EXIT_REFUSED};
use serde_json::Value;

use crate::build::Programs;
use crate::child;

/// Bodies whose stores are all announced, and the others.
const SETS: [&str; 2] = ["set=visible", "set=opaque"];
/// The stage at which each of the struck bodies is caught.
const STRUCK: [(&str, &str); 8] = [
    ("wrong_value", "compare"),
    ("wrong_result", "compare"),
    ("wrong_place", "second_run"),
    ("extra_store", "second_run"),
    ("extra_last_store", "compare"),
    ("missing_store", "second_run"),
    ("wrong_width", "second_run"),
    ("wrong_swap", "second_run"),
];
/// A handler's place is computed to announce its store and to store there, in either run. By the computation
/// that goes wrong: what the incident's note says may have escaped, if the process cannot go on.
const ASTRAY: [Option<&str>; 4] = [
    Some("escaped its announcement"),
    Some("gone to an unknown place"),
    None,
    Some("gone to an unknown place"),
];
/// Of a handler that stores there twice.
const ASTRAY_TWICE: [Option<&str>; 8] = [
    Some("escaped its announcement"),
    Some("gone to an unknown place"),
    Some("escaped its announcement"),
    Some("gone to an unknown place"),
    None,
    Some("gone to an unknown place"),
    None,
    Some("gone to an unknown place"),
];
/// By the run in which an announcement is jumped over.
const JUMPED: [Option<&str>; 2] = [Some("escaped its announcement"), None];

/// Every body gives what the same plain function gives, in two runs.
pub(crate) fn all_agree(programs: &Programs) {
    for set in SETS {
        let printed = child::succeed(&programs.program("bodies"), &[set]);
        assert!(printed.contains(" bodies, mode hardened"), "{printed}");
    }
}

/// What plain cargo built, without page mode.
pub(crate) fn are_intercepted_in_the_source() {
    let programs = Programs::plain();
    let bodies = programs.program("bodies");
    let printed = child::succeed(&bodies, &["set=visible"]);
    let count: usize = printed.split(' ').next().unwrap().parse().unwrap();
    assert!(count >= 75, "{printed}");
    for name in names(&programs, "set=opaque") {
        let ended = child::run(&bodies, &["set=opaque", &format!("only={name}")]);
        assert_eq!(ended.status, Some(EXIT_REFUSED), "{name}: {ended:?}");
        for way_out in ["#[asc_fn]", "paged::start", "cargo asc"] {
            assert!(ended.stderr.contains(way_out), "{name}: {ended:?}");
        }
    }
    let expected: Vec<_> = STRUCK.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&programs, "set=struck"), expected);
    for (name, stage) in STRUCK {
        let ended = child::run(&bodies, &["set=struck", &format!("only={name}")]);
        assert_eq!(ended.status, Some(EXIT_FAULT), "{name}: {ended:?}");
        let incident: Value = serde_json::from_str(&ended.stderr).expect("an incident is JSON");
        assert_eq!(incident["stage"], stage, "{name}: {incident}");
    }
    let ended = child::run(&bodies, &["survive"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    child::succeed(&bodies, &["threads"]);
    for policy in ["policy=retry", "policy=drop"] {
        a_lost_store_stops_the_process(&bodies, "astray", &[policy], &ASTRAY);
        a_lost_store_stops_the_process(&bodies, "astray", &[policy, "twice"], &ASTRAY_TWICE);
        a_lost_store_stops_the_process(&bodies, "jumped", &[policy], &JUMPED);
    }
}

/// A process goes on with the right state, or says why it does not.
fn a_lost_store_stops_the_process(
    bodies: &Path,
    strike: &str,
    arguments: &[&str],
    notes: &[Option<&str>],
) {
    for (number, note) in notes.iter().enumerate() {
        let strike = format!("{strike}={number}");
        let ended = child::run(bodies, &[&[strike.as_str()], arguments].concat());
        let name = format!("{strike} {arguments:?}");
        let status = note.map_or(0, |_| EXIT_FAULT);
        assert_eq!(ended.status, Some(status), "{name}: {ended:?}");
        let incident: Value = serde_json::from_str(&ended.stderr).expect("an incident is JSON");
        let said = incident["note"].as_str().unwrap();
        assert!(
            said.contains(note.unwrap_or_default()),
            "{name}: {incident}"
        );
    }
}

fn names(programs: &Programs, set: &str) -> Vec<String> {
    let printed = child::succeed(&programs.program("bodies"), &[set, "list"]);
    printed.lines().map(str::to_owned).collect()
}
