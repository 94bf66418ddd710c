//! Cases on each backend that the machine offers.

use std::process::Output;

use asc_alloc::page::{BACKEND_VARIABLE, Backend, StartError};

use super::cases;

/// How a case ends that found its backend not offered. Nothing else is a reason to leave one out.
const UNAVAILABLE: i32 = 77;

/// Runs a case on a backend.
pub(crate) fn child(backend: Backend, case: &str) -> Output {
    cases::run(cases::command(case).env(BACKEND_VARIABLE, backend.name()))
}

/// The backend that was started, in a case. Ends the child if the machine lacks it.
pub(crate) fn demand(started: Result<Backend, StartError>) -> Backend {
    match started {
        Ok(backend) => backend,
        Err(StartError::Unavailable(_)) => std::process::exit(UNAVAILABLE),
        Err(error) => panic!("{error}"),
    }
}

/// The backends that are offered here, as the case `starts` finds by [`demand`]; which ones is printed.
/// `mprotect` is offered everywhere. A backend that is there and does not start is a failure.
pub(crate) fn offered(starts: &str) -> Vec<Backend> {
    let is_offered = |backend: &Backend| {
        let output = child(*backend, starts);
        let is_unavailable = output.status.code() == Some(UNAVAILABLE);
        let said = cases::text(&output);
        assert!(
            is_unavailable || output.status.success(),
            "{backend}: {said}"
        );
        !is_unavailable
    };
    let offered: Vec<_> = Backend::ALL.into_iter().filter(is_offered).collect();
    println!("offered here: {offered:?}");
    assert!(offered.contains(&Backend::Mprotect));
    offered
}
