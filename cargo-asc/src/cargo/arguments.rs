//! Splits the user's arguments: what is cargo's alone and what decides for us.
//!
//! `--target` and `--target-dir` are taken out, because `cargo asc` gives both
//! itself, and `--integrity`, which is its own. `--manifest-path`, `--config` and the lock options are passed on
//! and also told to our own questions about the workspace. What follows `--`
//! is the program's.

use std::ffi::OsString;
use std::path::PathBuf;

/// The user's arguments, split.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Arguments {
    /// What cargo gets, in the user's order.
    pub(super) passed_on: Vec<OsString>,
    /// The values of `--target`.
    pub(super) targets: Vec<String>,
    /// The value of `--target-dir`.
    pub(super) target_directory: Option<PathBuf>,
    /// The value of `--integrity`.
    pub(super) integrity: Option<OsString>,
    /// The values of `--config`.
    pub(super) configuration: Vec<String>,
    /// The arguments that say which workspace is meant and how to read it.
    pub(super) workspace: Vec<OsString>,
}

impl Arguments {
    /// Splits the arguments that follow the subcommand.
    pub(super) fn read(arguments: &[OsString]) -> Self {
        let mut split = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                split.passed_on.push(argument.clone());
                split.passed_on.extend(rest.cloned());
                break;
            }
            split.take(argument, &mut rest);
        }
        split
    }

    fn take<'a>(&mut self, argument: &'a OsString, rest: &mut impl Iterator<Item = &'a OsString>) {
        const WITH_VALUE: &[&str] = &[
            "--target",
            "--target-dir",
            "--manifest-path",
            "--config",
            "--integrity",
        ];
        const OF_WORKSPACE: &[&str] = &["--offline", "--locked", "--frozen"];
        let text = argument.to_string_lossy();
        let (name, attached) = match text.split_once('=') {
            Some((name, value)) => (name, Some(OsString::from(value))),
            None => (&*text, None),
        };
        if !WITH_VALUE.contains(&name) {
            if OF_WORKSPACE.contains(&name) {
                self.workspace.push(argument.clone());
            }
            self.passed_on.push(argument.clone());
            return;
        }
        let value = match attached.or_else(|| rest.next().cloned()) {
            Some(value) => value,
            // No value is none that we know.
            None if name == "--integrity" => OsString::new(),
            None => {
                // cargo says best what is missing.
                self.passed_on.push(argument.clone());
                return;
            }
        };
        match name {
            "--target" => self.targets.push(value.to_string_lossy().into_owned()),
            "--target-dir" => self.target_directory = Some(value.into()),
            "--integrity" => self.integrity = Some(value),
            _ => self.share(name, value),
        }
    }

    /// An option that cargo gets and that our questions about the workspace repeat.
    fn share(&mut self, name: &str, value: OsString) {
        if name == "--config" {
            self.configuration
                .push(value.to_string_lossy().into_owned());
        }
        let pair = [OsString::from(name), value];
        self.passed_on.extend(pair.clone());
        self.workspace.extend(pair);
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;
    use std::ffi::OsString;

    fn read(line: &str) -> Arguments {
        Arguments::read(&words(line))
    }

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn cargos_own_arguments_pass_unchanged() {
        let line = "-p some-package --bin x --release --features a,b --profile=dev -v name";
        assert_eq!(read(line).passed_on, words(line));
    }

    #[test]
    fn target_and_target_directory_are_taken_out() {
        let split = read("--release --target a --target=b --target-dir=/t -p x");
        assert_eq!(split.targets, ["a", "b"]);
        assert_eq!(split.target_directory.as_deref(), Some("/t".as_ref()));
        assert_eq!(split.passed_on, words("--release -p x"));
    }

    #[test]
    fn the_integrity_is_taken_out() {
        for line in ["-p x --integrity crc", "--integrity=crc -p x"] {
            let split = read(line);
            assert_eq!(split.integrity.as_deref(), Some("crc".as_ref()));
            assert_eq!(split.passed_on, words("-p x"));
        }
        assert_eq!(read("-- --integrity crc").integrity, None);
        let without_value = read("-p x --integrity");
        assert_eq!(without_value.integrity.as_deref(), Some("".as_ref()));
        assert_eq!(without_value.passed_on, words("-p x"));
    }

    #[test]
    fn the_programs_arguments_are_not_ours() {
        let line = "--bin x -- --target y --config z";
        let split = read(line);
        assert_eq!(split.passed_on, words(line));
        assert!(split.targets.is_empty() && split.configuration.is_empty());
    }

    #[test]
    fn what_names_the_workspace_is_shared() {
        let split = read("--manifest-path a/Cargo.toml --config build.jobs=1 --offline");
        assert_eq!(split.passed_on, split.workspace);
        assert_eq!(split.configuration, ["build.jobs=1"]);
    }

    #[test]
    fn a_missing_value_is_left_to_cargo() {
        assert_eq!(read("--target").passed_on, words("--target"));
    }
}
