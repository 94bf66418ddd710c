//! Cases run as children, so that each has a page level of its own.

use std::os::unix::process::ExitStatusExt;

use asc_alloc::page::Backend;

use crate::support::backends;
pub(crate) use crate::support::backends::child;
pub(crate) use crate::support::cases::text;

pub(crate) fn offered() -> Vec<Backend> {
    backends::offered("start::case_starts")
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
