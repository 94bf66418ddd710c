//! What one command line of rustc asks for, as far as the wrapper must know.

use std::ffi::OsString;
use std::path::PathBuf;

use super::added_arguments::Optimization;

/// The crate types whose output is the result of a link.
const LINKED_CRATE_TYPES: &[&str] = &["bin", "cdylib"];

/// The crate types whose output other crates are compiled against.
const LIBRARY_CRATE_TYPES: &[&str] = &["lib", "rlib"];

/// One run of rustc or rustdoc.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Invocation {
    /// Whether `--target` was given: code for the target, not for the build.
    pub(super) has_target: bool,
    pub(super) crate_name: Option<String>,
    /// Whether an executable or a C library comes out.
    pub(super) is_linked: bool,
    /// Whether a shared C library comes out.
    pub(super) is_shared_library: bool,
    /// The crate's direct dependencies.
    pub(super) dependencies: Vec<Dependency>,
    pub(super) optimization: Optimization,
    pub(super) prefers_dynamic: bool,
    pub(super) has_static_libc: bool,
    pub(super) sysroot: Option<PathBuf>,
    output_directory: Option<PathBuf>,
    extra_filename: String,
    is_library: bool,
    has_one_codegen_unit: bool,
    leaves_bitcode_out: bool,
    leaves_code_out: bool,
}

/// One `--extern`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dependency {
    /// What the crate calls it.
    pub(super) name: String,
    /// Its rlib or metadata; none where rustc searches for it.
    pub(super) path: Option<PathBuf>,
}

impl Dependency {
    /// `name`, `name=path` or `options:name=path`.
    fn read(value: &str) -> Self {
        let (name, path) = match value.split_once('=') {
            Some((name, path)) => (name, Some(path.into())),
            None => (value, None),
        };
        let name = name.rsplit(':').next().unwrap_or(name).to_owned();
        Self { name, path }
    }
}

/// Whether rustc is only asked for its version. A workspace wrapper gets the
/// name of rustc before the question.
pub(super) fn asks_for_version(arguments: &[OsString]) -> bool {
    matches!(arguments, [question] | [_, question] if question == "-vV" || question == "-Vv")
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
            } else if argument == "-O" {
                invocation.optimization.is_for_speed = true;
            }
        }
        invocation
    }

    /// Whether a library holds the bitcode that a later link-time optimisation needs.
    pub(super) fn has_bitcode(&self) -> bool {
        self.is_library && !self.leaves_bitcode_out
    }

    /// Whether rustc would take the bitcode of a library too early, before our
    /// passes have run; see where this is mended.
    pub(super) fn has_early_bitcode(&self) -> bool {
        self.has_bitcode() && self.has_one_codegen_unit && !self.leaves_code_out
    }

    /// What the names of a library's files begin with, as cargo has them chosen.
    pub(super) fn output_stem(&self) -> Option<PathBuf> {
        let name = self.crate_name.as_ref()?;
        let file = format!("lib{name}{}", self.extra_filename);
        Some(self.output_directory.as_ref()?.join(file))
    }

    fn note(&mut self, name: &str, value: &str) {
        match name {
            "--target" => self.has_target = true,
            "--crate-name" => self.crate_name = Some(value.to_owned()),
            "--sysroot" => self.sysroot = Some(value.into()),
            "--crate-type" => {
                let has_one_of =
                    |kinds: &[&str]| value.split(',').any(|kind| kinds.contains(&kind));
                self.is_linked |= has_one_of(LINKED_CRATE_TYPES);
                self.is_library |= has_one_of(LIBRARY_CRATE_TYPES);
                self.is_shared_library |= has_one_of(&["cdylib"]);
            }
            "--extern" => self.dependencies.push(Dependency::read(value)),
            "--out-dir" => self.output_directory = Some(value.into()),
            "-C" => self.note_codegen(value),
            _ => {}
        }
    }

    /// One `-C` option; rustc takes dashes and underscores alike.
    fn note_codegen(&mut self, option: &str) {
        let (name, value) = option.split_once('=').unwrap_or((option, "yes"));
        let is_on = matches!(value, "y" | "yes" | "on" | "true");
        match name.replace('_', "-").as_str() {
            "target-feature" => self.note_features(value),
            "opt-level" => self.optimization.is_for_speed = matches!(value, "2" | "3"),
            // Who wants no vectors from rustc wants none from us.
            "no-vectorize-loops" | "no-vectorize-slp" => self.optimization.has_no_vectors |= is_on,
            "lto" => self.optimization.is_whole_program = is_on || matches!(value, "fat" | "thin"),
            "prefer-dynamic" => self.prefers_dynamic = is_on,
            "codegen-units" => self.has_one_codegen_unit = value == "1",
            "embed-bitcode" => self.leaves_bitcode_out = !is_on,
            "extra-filename" => self.extra_filename = value.to_owned(),
            // The value may also be the path of a plugin.
            "linker-plugin-lto" => {
                self.leaves_code_out = !matches!(value, "n" | "no" | "off" | "false");
            }
            _ => {}
        }
    }

    /// `+feature,-feature`; the last mention of one counts.
    fn note_features(&mut self, features: &str) {
        for feature in features.split(',') {
            match feature.trim() {
                "+crt-static" => self.has_static_libc = true,
                "-crt-static" => self.has_static_libc = false,
                _ => {}
            }
        }
    }
}

/// The name and value of an option that takes one, in any of its spellings:
/// `--name value`, `--name=value`, `-Cvalue`, `-C value`, `--codegen value`.
fn option<'a>(
    argument: &'a str,
    rest: &mut impl Iterator<Item = &'a str>,
) -> Option<(&'a str, &'a str)> {
    const WITH_VALUE: &[&str] = &[
        "--target",
        "--crate-name",
        "--crate-type",
        "--extern",
        "--out-dir",
        "--sysroot",
    ];
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
    fn a_shared_library_is_told_from_a_program() {
        assert!(read("--crate-type cdylib --target t").is_shared_library);
        assert!(read("--crate-type lib,cdylib").is_shared_library);
        assert!(!read("--crate-type bin").is_shared_library);
    }

    #[test]
    fn dependencies_have_a_name_and_perhaps_a_file() {
        let dependencies = read("--extern a=/b/liba-1.rlib --extern=noprelude,priv:c").dependencies;
        let expected = [("a", Some("/b/liba-1.rlib".into())), ("c", None)];
        let expected = expected.map(|(name, path)| Dependency {
            name: name.to_owned(),
            path,
        });
        assert_eq!(dependencies, expected);
    }

    #[test]
    fn the_place_of_the_output_is_found() {
        let invocation = read("--crate-name a --out-dir=/b -C extra-filename=-1c");
        assert_eq!(invocation.output_stem(), Some("/b/liba-1c".into()));
        assert_eq!(read("--crate-name a -o b").output_stem(), None);
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
    fn optimisation_for_speed_is_told_from_that_for_size() {
        for line in ["-O", "-C opt-level=3", "-Copt-level=s -Copt-level=2"] {
            assert!(read(line).optimization.is_for_speed, "{line}");
        }
        for line in [
            "-C debuginfo=2",
            "-C opt-level=1",
            "-Copt_level=3 -Copt-level=z",
        ] {
            assert!(!read(line).optimization.is_for_speed, "{line}");
        }
    }

    #[test]
    fn vectors_can_be_declined() {
        for line in ["-C no-vectorize-loops", "-Cno_vectorize_slp=yes -O"] {
            assert!(read(line).optimization.has_no_vectors, "{line}");
        }
        assert!(
            !read("-O -C no-prepopulate-passes")
                .optimization
                .has_no_vectors
        );
    }

    #[test]
    fn link_time_optimisation_has_several_names() {
        for line in [
            "-C lto",
            "-Clto=fat",
            "-C lto=thin",
            "-C lto=off -C lto=yes",
        ] {
            assert!(read(line).optimization.is_whole_program, "{line}");
        }
        for line in ["-C opt-level=3", "-C linker-plugin-lto", "-Clto -Clto=off"] {
            assert!(!read(line).optimization.is_whole_program, "{line}");
        }
    }

    #[test]
    fn a_static_libc_is_seen_among_other_features() {
        assert!(read("-C target-feature=+avx2,+crt-static").has_static_libc);
        assert!(!read("-Ctarget-feature=+crt-static -Ctarget-feature=-crt-static").has_static_libc);
        assert!(!read("-Ctarget-feature=+avx2").has_static_libc);
    }

    #[test]
    fn bitcode_beside_code_of_one_unit_is_early() {
        let library = "--target t --crate-type lib -C codegen-units=1";
        assert!(read(library).has_early_bitcode());
        let twice = format!("{library} -C embed-bitcode=no -Cembed-bitcode=yes");
        assert!(read(&twice).has_early_bitcode());
        for other in [
            &format!("{library} -C embed-bitcode=no"),
            &format!("{library} -C linker-plugin-lto"),
            &format!("{library} -Ccodegen_units=16"),
            "--target t --crate-type bin -C codegen-units=1",
        ] {
            assert!(!read(other).has_early_bitcode(), "{other}");
        }
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
        assert!(asks_for_version(&["/toolchain/rustc".into(), "-vV".into()]));
        assert!(!asks_for_version(&["-vV".into(), "--print=cfg".into()]));
    }
}
