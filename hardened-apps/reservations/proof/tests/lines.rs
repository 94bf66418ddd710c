//! How much of a service changes when it is hardened.

use std::path::Path;
use std::process::Command;

const CHANGED_LINES_MAX: usize = 20;

#[test]
fn hardening_changes_few_lines() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut git = Command::new("git");
    git.args(["diff", "--no-index", "--numstat", "plain", "hardened"]);
    let output = git.current_dir(directory).output().expect("git starts");
    // 1: there are differences; 0 would be a service that nobody has hardened.
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let table = String::from_utf8(output.stdout).expect("git speaks UTF-8");
    let mut changed = 0;
    for line in table.lines() {
        let mut columns = line.split('\t');
        let [added, deleted] = std::array::from_fn(|_| number(columns.next(), line));
        changed += added + deleted;
        assert!(line.contains('{'), "only one side has this file: {line}");
    }
    assert!((1..=CHANGED_LINES_MAX).contains(&changed), "{table}");
    println!("{changed} lines:\n{table}");
}

fn number(column: Option<&str>, line: &str) -> usize {
    let number = column.and_then(|text| text.parse().ok());
    number.unwrap_or_else(|| panic!("not a line of numbers: {line}"))
}
