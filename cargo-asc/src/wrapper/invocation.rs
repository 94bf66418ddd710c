//! What one command line of rustc asks for, as far as the wrapper must know.

use std::ffi::OsString;
use std::path::PathBuf;

/// The crate types whose output is the result of a link.
const LINKED_CRATE_TYPES: &[&str] = &["bin", "cdylib"];

/// One run of rustc or rustdoc.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Invocation {
    /// Whether `--target` was given: code for the target, not for the build.
    pub(super) has_target: bool,
    pub(super) crate_name: Option<String>,
    /// Whether an executable or a C library comes out.
    pub(super) is_linked: bool,
    pub(super) prefers_dynamic: bool,
    pub(super) sysroot: Option<PathBuf>,
}

/// Whether rustc is only asked for its version.
pub(super) fn asks_for_version(arguments: &[OsString]) -> bool {
    matches!(arguments, [only] if only == "-vV" || only == "-Vv")
}

impl Invocation {
    /// Reads rustc's arguments.
    pub(super) fn read(arguments: &[OsString]) -> Self {
        let mut invocation = Self::default();
        let expanded: Vec<String> = arguments.iter().flat_map(expand).collect();
        let mut rest = expanded.iter().map(String::as_str);
        while let Some(argument) = rest.next() {
            if let Some((name, value)) = option(argument, &mut rest) {
                invocation.note(name, value);
            } else if argument == "--test" {
                invocation.is_linked = true;
            }
        }
        invocation
    }

    fn note(&mut self, name: &str, value: &str) {
        match name {
            "--target" => self.has_target = true,
            "--crate-name" => self.crate_name = Some(value.to_owned()),
            "--sysroot" => self.sysroot = Some(value.into()),
            "--crate-type" => {
                self.is_linked |= value
                    .split(',')
                    .any(|kind| LINKED_CRATE_TYPES.contains(&kind));
            }
            "-C" => match value.split_once('=').unwrap_or((value, "yes")) {
                ("prefer-dynamic" | "prefer_dynamic", setting) => {
                    self.prefers_dynamic = matches!(setting, "y" | "yes" | "on" | "true");
                }
                _ => {}
            },
            _ => {}
        }
    }
}

/// The name and value of an option that takes one, in any of its spellings:
/// `--name value`, `--name=value`, `-Cvalue`, `-C value`, `--codegen value`.
fn option<'a>(
    argument: &'a str,
    rest: &mut impl Iterator<Item = &'a str>,
) -> Option<(&'a str, &'a str)> {
    const WITH_VALUE: &[&str] = &["--target", "--crate-name", "--crate-type", "--sysroot"];
    if argument == "-C" || argument == "--codegen" {
        return Some(("-C", rest.next()?));
    }
    if let Some(value) = argument
        .strip_prefix("--codegen=")
        .or(argument.strip_prefix("-C"))
    {
        return Some(("-C", value));
    }
    if WITH_VALUE.contains(&argument) {
        return Some((argument, rest.next()?));
    }
    argument
        .split_once('=')
        .filter(|(name, _)| WITH_VALUE.contains(name))
}

/// The arguments behind one argument: rustc reads those in `@file` line by line.
fn expand(argument: &OsString) -> Vec<String> {
    let argument = argument.to_string_lossy();
    let from_file = argument
        .strip_prefix('@')
        .and_then(|path| std::fs::read_to_string(path).ok())
        .map(|text| text.lines().map(str::to_owned).collect());
    from_file.unwrap_or_else(|| vec![argument.into_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Invocation {
        Invocation::read(&line.split(' ').map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn a_build_script_has_no_target() {
        let invocation = read("--crate-name build_script_build build.rs --crate-type bin");
        assert!(!invocation.has_target);
        assert!(invocation.is_linked);
    }

    #[test]
    fn both_spellings_of_options_are_read() {
        for line in [
            "--crate-name=a --target=t --crate-type=lib,cdylib",
            "--crate-name a --target t --crate-type lib --crate-type cdylib",
            "--crate-name a --target t --crate-type lib --test",
        ] {
            let invocation = read(line);
            assert_eq!(invocation.crate_name.as_deref(), Some("a"), "{line}");
            assert!(invocation.has_target && invocation.is_linked, "{line}");
        }
        assert!(!read("--crate-type lib --target t").is_linked);
    }

    #[test]
    fn the_last_setting_of_prefer_dynamic_counts() {
        assert!(read("-Cprefer-dynamic").prefers_dynamic);
        assert!(read("-C prefer-dynamic=yes").prefers_dynamic);
        assert!(read("--codegen prefer-dynamic").prefers_dynamic);
        assert!(!read("-C prefer-dynamic -C prefer-dynamic=no").prefers_dynamic);
    }

    #[test]
    fn a_response_file_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("arguments");
        std::fs::write(&file, "--target\nt\n--crate-name\nfrom_file\n").unwrap();
        let invocation = read(&format!("@{}", file.display()));
        assert_eq!(invocation.crate_name.as_deref(), Some("from_file"));
    }

    #[test]
    fn the_version_question_is_recognised() {
        assert!(asks_for_version(&["-vV".into()]));
        assert!(!asks_for_version(&["-vV".into(), "--print=cfg".into()]));
    }
}
