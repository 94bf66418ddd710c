//! Cases that need a process of their own: ignored tests, which the tests beside them run as children.

use std::process::{Command, Output};

/// How a case of this program is run.
pub(crate) fn command(case: &str) -> Command {
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(program);
    command.args(["--exact", case, "--ignored", "--nocapture"]);
    command.arg("--test-threads=1");
    command
}

/// Runs it; it must have been exactly one.
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().expect("the child starts");
    let said = text(&output);
    assert!(
        said.contains("running 1 test\n"),
        "{command:?} is no case: {said}"
    );
    output
}

/// All that a child has said.
pub(crate) fn text(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    format!("{errors}{}", String::from_utf8_lossy(&output.stdout))
}

/// Demands that each ignored test of this program is named in one of its sources: a case that no test
/// runs would show nothing.
pub(crate) fn demand_all_are_run(sources: &[&str]) {
    let program = std::env::current_exe().expect("this program has a path");
    let listed = Command::new(program)
        .args(["--list", "--ignored", "--format=terse"])
        .output()
        .expect("the child starts");
    let listed = text(&listed);
    let cases: Vec<_> = listed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .collect();
    assert!(!cases.is_empty(), "{listed}");
    for case in cases {
        let name = case.rsplit("::").next().unwrap_or(case);
        let is_run = |source: &&str| {
            [format!("\"{name}\""), format!("::{name}\"")]
                .iter()
                .any(|named| source.contains(named))
        };
        assert!(sources.iter().any(is_run), "nobody runs {case}");
    }
}
