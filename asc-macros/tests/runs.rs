//! A marked function reaches the runtime: once per call in a plain build, twice in a hardened one.
//! One test only, because the counters belong to the process.

use asc_runtime::{Mode, asc_handler, mode, statistics};

#[asc_handler]
fn append(log: &mut Vec<String>, line: String) -> usize {
    log.push(line);
    log.len()
}

#[test]
fn every_call_is_counted() {
    let before = statistics();
    let mut log = Vec::new();
    for call in 1..=3 {
        assert_eq!(append(&mut log, call.to_string()), call);
    }
    let after = statistics();
    let runs = if mode() == Mode::Hardened { 6 } else { 3 };
    assert_eq!(after.handlers - before.handlers, 3);
    assert_eq!(after.runs - before.runs, runs);
    assert_eq!(log, ["1", "2", "3"]);
}
