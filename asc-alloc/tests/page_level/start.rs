//! Which backend is chosen, and what is refused.

use asc_alloc::page::{BACKEND_VARIABLE, Backend, BeginError, Builder, Session, StartError};

use crate::children::text;
use crate::support::{backends, cases};

#[test]
#[ignore = "run as a child per backend"]
fn case_starts() {
    let backend = backends::demand(Builder::new().start());
    assert_eq!(
        std::env::var(BACKEND_VARIABLE).as_deref(),
        Ok(backend.name())
    );
    assert_eq!(asc_alloc::page::backend(), Some(backend));
    assert_eq!(Builder::new().start(), Err(StartError::Started));
}

#[test]
fn an_unknown_backend_is_refused_by_name() {
    let output = cases::run(cases::command("start::case_unknown").env(BACKEND_VARIABLE, "magic"));
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("\"magic\""), "{}", text(&output));
}

#[test]
#[ignore = "run as a child"]
fn case_unknown() {
    let error = Builder::new().start().expect_err("no such backend");
    println!("{error}");
    assert!(matches!(error, StartError::Unknown(_)));
    // SAFETY: there is none.
    let session = unsafe { Session::begin() };
    assert_eq!(session.map(drop), Err(BeginError::NotStarted));
    let backend = Builder::new().backend(Backend::Mprotect).start();
    assert_eq!(backend, Ok(Backend::Mprotect));
}
