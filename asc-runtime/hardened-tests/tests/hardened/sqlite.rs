//! What the program around a C library must show: bundled SQLite, whose heap is protected memory.

use asc_runtime::EXIT_FAULT;
use serde_json::Value;

use crate::build::Build;
use crate::child;
use crate::paged::Paged;
use crate::programs::times;

const STATEMENTS: u64 = 5_000;
const STRUCK_STATEMENTS: u64 = 1_000;
const LIVES: u64 = 10;

/// Every answer and the whole database at the end are those of a plain run, without an incident.
pub(crate) fn statements_agree(paged: &Paged<'_>) {
    let count = times("count", STATEMENTS);
    for seed in ["seed=1", "seed=2"] {
        let printed = paged.succeed("sqlite", &[&count, seed]);
        assert!(printed.contains("mode page"), "{printed}");
        assert_eq!(sums(&printed), plain_sums(paged, &[&count, seed]));
    }
}

/// Any bit of SQLite's heap, in one of the runs, before SQLite reads it or after: the program counts as
/// many incidents as strikes, and goes on with the right state.
pub(crate) fn every_flipped_bit_is_found(paged: &Paged<'_>) {
    let count = times("count", STRUCK_STATEMENTS);
    let expected = plain_sums(paged, &[&count]);
    for policy in ["drop", "retry(3)"] {
        let environment = [("ASC_ON_FAULT", policy)];
        let ended = paged.run_with("sqlite", &[&count, "strikes=4"], &environment);
        let name = format!("{policy} on {}", paged.backend());
        assert_eq!(ended.status, Some(0), "{name}: {ended:?}");
        assert_eq!(sums(&ended.stdout), expected, "{name}");
        let struck = ended.stdout.lines().last().unwrap_or_default();
        println!("sqlite, {name}: {struck}");
        assert!(!struck.starts_with("struck 0,"), "{name}: {struck}");
    }
}

/// By default nothing leaves a process in which C code left a wrong bit.
pub(crate) fn a_flipped_bit_stops_the_process(paged: &Paged<'_>) {
    for life in 1..=LIVES {
        let seed = format!("seed={life}");
        let ended = paged.run("sqlite", &["count=50", "strikes=1", &seed]);
        assert_eq!(ended.status, Some(EXIT_FAULT), "{seed}: {ended:?}");
        assert_eq!(sums(&ended.stdout), [""; 0], "{seed}: {ended:?}");
        let incident: Value = serde_json::from_str(&ended.stderr).expect("an incident is JSON");
        assert_eq!(incident["handler"], "sqlite::handle", "{incident}");
        assert!(
            incident["stage"] == "compare" || incident["stage"] == "second_run",
            "{incident}"
        );
    }
}

/// No hook announces what C code stores: the first statement differs from itself, or crashes on what the run
/// before has left, and nothing is answered.
pub(crate) fn c_code_stops_a_hardened_build(build: &Build) {
    let sqlite = build.sqlite();
    let printed = child::succeed(&sqlite, &["count=0"]);
    assert!(printed.contains("mode hardened"), "{printed}");
    assert_eq!(sums(&printed).len(), 1, "{printed}");
    let ended = child::run(&sqlite, &["count=50"]);
    // Of a signal there is no status; a hang has one of its own.
    let has_crashed = ended.status.is_none();
    assert!(has_crashed || ended.status == Some(EXIT_FAULT), "{ended:?}");
    assert_eq!(has_crashed, ended.stderr.is_empty(), "{ended:?}");
    assert_eq!(sums(&ended.stdout), [""; 0], "{ended:?}");
}

fn plain_sums(paged: &Paged<'_>, arguments: &[&str]) -> Vec<String> {
    let printed = child::succeed(&paged.plain("sqlite"), arguments);
    assert!(printed.contains("mode plain"), "{printed}");
    let sums: Vec<_> = sums(&printed).into_iter().map(str::to_owned).collect();
    assert!(sums.len() > 2, "{printed}");
    sums
}

/// The lines that depend on the statements alone.
fn sums(printed: &str) -> Vec<&str> {
    let lines = printed.lines();
    lines
        .filter(|line| line.starts_with("statements "))
        .collect()
}
