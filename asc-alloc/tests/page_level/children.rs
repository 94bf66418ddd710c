//! Cases run as children, so that each has a page level of its own.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

use asc_alloc::page::{BACKEND_VARIABLE, Backend};

/// The backends that work here. `mprotect` does everywhere; which others do is printed.
pub(crate) fn offered() -> Vec<Backend> {
    let offered: Vec<Backend> = Backend::ALL
        .into_iter()
        .filter(|backend| child(*backend, "start::case_starts").status.success())
        .collect();
    println!("offered here: {offered:?}");
    assert!(offered.contains(&Backend::Mprotect));
    offered
}

pub(crate) fn child(backend: Backend, case: &str) -> Output {
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program)
        .args([
            "--exact",
            case,
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(BACKEND_VARIABLE, backend.name())
        .output()
        .expect("the child starts");
    assert!(
        text(&output).contains("running 1 test\n"),
        "`{case}` is no case: {}",
        text(&output)
    );
    output
}

pub(crate) fn text(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    format!("{errors}{}", String::from_utf8_lossy(&output.stdout))
}

/// Every backend must pass the case.
pub(crate) fn passes(case: &str) {
    for backend in offered() {
        let output = child(backend, case);
        assert!(output.status.success(), "{backend}: {}", text(&output));
        assert!(
            text(&output).contains("1 passed"),
            "{backend}: {}",
            text(&output)
        );
    }
}

/// Every backend must end the case with that status, and say so.
pub(crate) fn ends(case: &str, status: i32, saying: &str) {
    for backend in offered() {
        let output = child(backend, case);
        assert_eq!(
            output.status.code(),
            Some(status),
            "{backend}: {}",
            text(&output)
        );
        assert!(
            text(&output).contains(saying),
            "{backend}: {}",
            text(&output)
        );
    }
}

/// Every backend must let the case die of that signal.
pub(crate) fn dies(case: &str, signal: i32) {
    for backend in offered() {
        let output = child(backend, case);
        assert_eq!(
            output.status.signal(),
            Some(signal),
            "{backend}: {}",
            text(&output)
        );
        assert!(
            !text(&output).contains("stray write"),
            "{backend}: {}",
            text(&output)
        );
    }
}

/// The exit status of a forked child that does `work`.
pub(crate) fn in_child(work: impl FnOnce()) -> i32 {
    // SAFETY: the child uses the allocator, which is prepared for forks, and `_exit`.
    let process = unsafe { libc::fork() };
    if process == 0 {
        work();
        // SAFETY: ends the child.
        unsafe { libc::_exit(0) };
    }
    let mut status = 0;
    // SAFETY: the child is this process's own.
    unsafe { libc::waitpid(process, &raw mut status, 0) };
    libc::WEXITSTATUS(status)
}
