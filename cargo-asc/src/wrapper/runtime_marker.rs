//! Which crates contain the runtime, directly or through others.
//!
//! rustc's command line names a crate's direct dependencies only. So each run
//! of the wrapper leaves word for the next ones:
//!
//! 1. [`dependency_with_runtime`] looks beside the file of each dependency for
//!    a marker, an empty file with the same stem.
//! 2. [`leave`] puts one beside this crate's own files when a dependency has
//!    one, or when this crate is the runtime.
//!
//! A crate whose dependencies change gets files of another name from cargo, so
//! a marker never outlives what it says.

use std::fs;
use std::path::PathBuf;

use super::invocation::Invocation;
use crate::refusal::Refusal;

const EXTENSION: &str = "contains-asc-runtime";

/// The first dependency that is the runtime or contains it.
pub(super) fn dependency_with_runtime(invocation: &Invocation) -> Option<&str> {
    let contains_runtime = |path: &PathBuf| path.with_extension(EXTENSION).exists();
    invocation
        .dependencies
        .iter()
        .find(|dependency| {
            dependency.name == "asc_runtime"
                || dependency.path.as_ref().is_some_and(contains_runtime)
        })
        .map(|dependency| dependency.name.as_str())
}

/// Notes that the crate that is about to be compiled contains the runtime.
pub(super) fn leave(invocation: &Invocation) -> Result<(), Refusal> {
    let Some(stem) = invocation.output_stem() else {
        return Ok(());
    };
    let marker = stem.with_added_extension(EXTENSION);
    fs::write(&marker, "").map_err(|error| Refusal::file("write", &marker, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    fn invocation(line: &str) -> Invocation {
        Invocation::read(&line.split(' ').map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn word_of_the_runtime_reaches_the_crates_above() {
        let directory = tempfile::tempdir().unwrap();
        let here = directory.path().display();
        let compile = |name: &str, dependencies: &str| {
            invocation(&format!(
                "--crate-name {name} --out-dir {here} -C extra-filename=-1a{dependencies}"
            ))
        };
        let runtime = compile("asc_runtime", "");
        assert_eq!(dependency_with_runtime(&runtime), None);
        leave(&runtime).unwrap();

        // Under another name, and as metadata only: the file tells.
        let library = compile(
            "b",
            &format!(" --extern priv:r={here}/libasc_runtime-1a.rmeta"),
        );
        assert_eq!(dependency_with_runtime(&library), Some("r"));
        leave(&library).unwrap();

        let program = format!(" --extern a=/a/liba-1.rlib --extern b={here}/libb-1a.rlib");
        assert_eq!(dependency_with_runtime(&compile("c", &program)), Some("b"));
        let other = format!(" --extern b={here}/libb-2a.rlib --extern std");
        assert_eq!(dependency_with_runtime(&compile("c", &other)), None);
    }

    #[test]
    fn a_dependency_called_asc_runtime_is_taken_for_it() {
        let found = |line| dependency_with_runtime(&invocation(line)).is_some();
        assert!(found("--extern asc_runtime"));
        assert!(!found("--extern asc_runtime_like=/a/b.rlib"));
    }
}
