//! A short soak: the same server plain and hardened.
#![cfg(feature = "injector")]

use std::process::Command;

use fault_injector::soak::tally::GROWTH_BYTES_MAX;
use serde_json::Value;

/// What `asc-inject soak` says, and its exit status.
fn soak(build: &str, options: &[&str]) -> (Value, Option<i32>) {
    let done = Command::new(env!("CARGO_BIN_EXE_asc-inject"))
        .args(["soak", "--target", "memcached", "--build", build, "--json"])
        .args(options)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let tally = serde_json::from_str(&said)
        .unwrap_or_else(|_| panic!("{said}{}", String::from_utf8_lossy(&done.stderr)));
    (tally, done.status.code())
}

fn number(tally: &Value, path: &str) -> u64 {
    tally.pointer(path).and_then(Value::as_u64).unwrap_or(0)
}

const STORES: [&str; 6] = [
    "--models",
    "memory-write",
    "--aim",
    "stores",
    "--strikes-per-second",
    "20",
];

#[test]
fn struck_stores_are_retried_and_nothing_wrong_is_read() {
    let (tally, status) = soak("hardened", &[&STORES[..], &["--time", "14s"]].concat());
    assert_eq!(status, Some(0), "{tally}");
    for reached in [
        "/strikes",
        "/incidents/retry",
        "/seen/hits",
        "/seen/misses",
        "/seen/expired",
    ] {
        assert!(number(&tally, reached) > 0, "{reached}: {tally}");
    }
    assert!(
        number(&tally, "/growth_bytes_max") <= GROWTH_BYTES_MAX,
        "{tally}"
    );
}

#[test]
fn strikes_of_all_kinds_let_nothing_wrong_out() {
    let (tally, status) = soak("hardened", &["--time", "8s"]);
    assert_eq!(status, Some(0), "{tally}");
    assert!(number(&tally, "/strikes") > 0, "{tally}");
}

/// The soak sees what the plain build does wrong, and ends with it: within seconds.
#[test]
fn a_plain_server_answers_wrongly() {
    let (tally, status) = soak("plain", &["--time", "120s", "--strikes-per-second", "20"]);
    assert_eq!(status, Some(1), "{tally}");
    assert!(
        !tally["wrong"].as_array().is_some_and(Vec::is_empty),
        "{tally}"
    );
}

#[test]
fn a_healthy_server_is_neither_struck_nor_suspected() {
    let options = ["--time", "14s", "--strikes-per-second", "0"];
    let (tally, status) = soak("hardened", &options);
    assert_eq!(status, Some(0), "{tally}");
    assert_eq!(
        (number(&tally, "/lives"), number(&tally, "/lives_measured")),
        (1, 1),
        "{tally}"
    );
    assert_eq!(tally["incidents"], serde_json::json!({}), "{tally}");
    assert_eq!(number(&tally, "/seen/unanswered"), 0, "{tally}");
}
