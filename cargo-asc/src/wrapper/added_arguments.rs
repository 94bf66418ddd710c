//! The arguments that the wrapper adds to rustc's, by the crate's role.

use std::ffi::OsString;
use std::path::Path;

use crate::integrity::Integrity;
use crate::{pipeline, wrapped_symbols};

/// When one codegen unit gives both native code and bitcode, rustc takes the
/// bitcode in the middle of the optimisation, before our passes, and a later
/// LTO would use it: code without hooks. With two units it takes it at the end.
const LATE_BITCODE: &str = "-Ccodegen-units=2";

/// Units that hold a module each. Thin LTO inlines no hook that shares its unit with
/// assembly.
const UNIT_PER_MODULE: &str = "-Ccodegen-units=256";

/// What a crate is to a hardened program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Everything but the runtime: gets the hooks.
    Application,
    /// A crate that defines the hooks: gets none itself.
    Runtime,
}

impl Role {
    /// The role of a crate. The package counts too: the runtime's integration
    /// tests are applications, and so is another package's crate of that name.
    pub(crate) fn of(crate_name: Option<&str>, package: Option<&str>) -> Self {
        let is_runtime = crate_name
            .zip(package)
            .is_some_and(|names| pipeline::RUNTIME_CRATES.contains(&names));
        if is_runtime {
            Self::Runtime
        } else {
            Self::Application
        }
    }
}

/// What rustc's optimiser is asked to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Optimization {
    /// For speed, not for size.
    pub(crate) is_for_speed: bool,
    /// But without vectors.
    pub(crate) has_no_vectors: bool,
    /// Together with all its dependencies: link-time optimisation.
    pub(crate) is_whole_program: bool,
}

/// What decides about the added arguments.
pub(crate) struct AddedArguments<'a> {
    pub(crate) integrity: Integrity,
    pub(crate) sysroot: &'a Path,
    pub(crate) inert_archive: &'a Path,
    pub(crate) role: Role,
    /// Whether rustc will run the linker.
    pub(crate) is_linked: bool,
    pub(crate) optimization: Optimization,
    /// Whether a library comes out with bitcode for a later link-time optimisation.
    pub(crate) has_bitcode: bool,
    /// Whether a library with both code and bitcode comes out of one unit.
    pub(crate) has_early_bitcode: bool,
}

impl AddedArguments<'_> {
    /// The arguments, to go after all others.
    pub(crate) fn list(&self) -> Vec<OsString> {
        let mut list: Vec<OsString> = ["--cfg", "asc", "--check-cfg", "cfg(asc)", "--sysroot"]
            .map(OsString::from)
            .into();
        list.push(self.sysroot.into());
        list.extend(["--check-cfg", "cfg(asc_crc)"].map(OsString::from));
        if self.integrity == Integrity::Crc {
            list.extend(["--cfg", "asc_crc"].map(OsString::from));
        }
        match self.role {
            Role::Application => list.extend(self.instrumentation()),
            Role::Runtime => list.extend(attributes_only()),
        }
        if self.role == Role::Runtime && self.has_bitcode {
            list.push(UNIT_PER_MODULE.into());
        } else if self.has_early_bitcode {
            list.push(LATE_BITCODE.into());
        }
        if self.is_linked {
            list.extend(self.link_arguments());
        }
        list
    }

    fn instrumentation(&self) -> Vec<OsString> {
        let optimization = self.optimization;
        let passes = if optimization.is_for_speed && !optimization.has_no_vectors {
            format!("{},{}", pipeline::LOOP_PASSES, pipeline::PASSES)
        } else {
            pipeline::PASSES.to_owned()
        };
        let mut options: Vec<&str> = pipeline::llvm_options(self.integrity).collect();
        if optimization.is_whole_program {
            options.extend(pipeline::WHOLE_PROGRAM_OPTIONS);
            if optimization.is_for_speed {
                options.push(pipeline::INLINE_OPTION);
            }
        }
        codegen(&passes, options.into_iter())
    }

    /// `--wrap` for each wrapped symbol, and last the inert archive: what it
    /// defines is only taken where nothing else does.
    fn link_arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = wrapped_symbols::of(self.integrity)
            .map(|symbol| format!("-Clink-arg=-Wl,--wrap={symbol}").into())
            .collect();
        arguments.extend(
            wrapped_symbols::WEAKLY_REFERENCED
                .iter()
                .map(|symbol| format!("-Clink-arg=-Wl,--undefined=__wrap_{symbol}").into()),
        );
        let mut archive = OsString::from("-Clink-arg=");
        archive.push(self.inert_archive);
        arguments.push(archive);
        arguments
    }
}

/// No hooks, but the same attributes, without which LLVM refuses to inline the
/// hooks under LTO; and optimised in every profile, because rustc shares
/// generic code between crates when it does not optimise, and the
/// application's copy must be its own.
fn attributes_only() -> Vec<OsString> {
    let mut list = codegen(
        pipeline::RUNTIME_PASSES,
        pipeline::ATTRIBUTE_OPTIONS.iter().copied(),
    );
    list.extend(
        [
            "-Copt-level=3",
            "-Cdebug-assertions=off",
            "-Coverflow-checks=off",
        ]
        .map(OsString::from),
    );
    list
}

/// `-Cpasses` adds to the user's own passes, if there are any.
fn codegen(passes: &str, options: impl Iterator<Item = &'static str>) -> Vec<OsString> {
    std::iter::once(format!("-Cpasses={passes}"))
        .chain(options.map(|option| format!("-Cllvm-args={option}")))
        .map(OsString::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For a library of this role, not optimised.
    fn of(role: Role) -> AddedArguments<'static> {
        AddedArguments {
            integrity: Integrity::Ecc,
            sysroot: Path::new("/sysroot"),
            inert_archive: Path::new("/inert.a"),
            role,
            is_linked: false,
            optimization: Optimization::default(),
            has_bitcode: false,
            has_early_bitcode: false,
        }
    }

    fn strings(added: &AddedArguments) -> Vec<String> {
        added
            .list()
            .into_iter()
            .map(|argument| argument.into_string().unwrap())
            .collect()
    }

    #[test]
    fn an_application_gets_the_hooks() {
        let list = strings(&of(Role::Application));
        assert!(list.contains(&format!("-Cpasses={}", pipeline::PASSES)));
        assert!(list.contains(&"-Cllvm-args=-asan-stack=0".into()));
        assert!(!list.iter().any(|argument| argument.contains("--wrap")));
    }

    #[test]
    fn loops_are_optimised_before_the_hooks_and_threaded_after_them() {
        for (is_for_speed, has_no_vectors, is_whole_program) in [
            (false, false, false),
            (false, false, true),
            (true, false, false),
            (true, true, true),
            (true, false, true),
        ] {
            let list = strings(&AddedArguments {
                optimization: Optimization {
                    is_for_speed,
                    has_no_vectors,
                    is_whole_program,
                },
                ..of(Role::Application)
            });
            let passes = list
                .iter()
                .find(|argument| argument.starts_with("-Cpasses="));
            let starts_with_loops = passes
                .unwrap()
                .starts_with("-Cpasses=function(loop-vectorize");
            assert_eq!(starts_with_loops, is_for_speed && !has_no_vectors);
            assert!(passes.unwrap().ends_with(pipeline::PASSES));
            let is_threaded = list.iter().any(|argument| argument.contains("unswitch"));
            assert_eq!(is_threaded, is_whole_program);
            let inlines_more = list
                .iter()
                .any(|argument| argument.contains(pipeline::INLINE_OPTION));
            assert_eq!(inlines_more, is_whole_program && is_for_speed);
        }
    }

    #[test]
    fn reads_are_hooked_where_a_code_protects_the_heap() {
        const READS: &str = "-Cllvm-args=-asan-instrument-reads=1";
        for (integrity, is_hooked) in [(Integrity::Ecc, false), (Integrity::Crc, true)] {
            let list = strings(&AddedArguments {
                integrity,
                ..of(Role::Application)
            });
            assert_eq!(list.iter().any(|argument| argument == READS), is_hooked);
            assert_eq!(list.iter().any(|argument| argument == "asc_crc"), is_hooked);
        }
    }

    #[test]
    fn the_runtime_gets_attributes_and_no_hooks() {
        let list = strings(&of(Role::Runtime));
        assert!(list.contains(&"-Cpasses=forceattrs".into()));
        assert!(list.contains(&"-Cllvm-args=-force-attribute=sanitize_address".into()));
        assert!(list.contains(&"-Copt-level=3".into()));
        assert!(!list.iter().any(|argument| argument.contains("asan-")));
    }

    #[test]
    fn the_units_of_a_library_with_bitcode_suit_what_becomes_of_it() {
        for (role, has_bitcode, has_early_bitcode, units) in [
            (Role::Application, true, true, Some(LATE_BITCODE)),
            (Role::Application, true, false, None),
            (Role::Runtime, true, true, Some(UNIT_PER_MODULE)),
            (Role::Runtime, true, false, Some(UNIT_PER_MODULE)),
            (Role::Runtime, false, false, None),
        ] {
            let list = strings(&AddedArguments {
                has_bitcode,
                has_early_bitcode,
                ..of(role)
            });
            let found = list
                .iter()
                .find(|argument| argument.contains("codegen-units"));
            assert_eq!(found.map(String::as_str), units);
        }
    }

    #[test]
    fn a_linked_crate_ends_with_the_inert_archive() {
        let list = strings(&AddedArguments {
            is_linked: true,
            ..of(Role::Application)
        });
        assert_eq!(list.last().map(String::as_str), Some("-Clink-arg=/inert.a"));
        assert!(list.contains(&"-Clink-arg=-Wl,--wrap=malloc".into()));
    }

    #[test]
    fn only_the_runtime_package_holds_the_runtime() {
        assert_eq!(
            Role::of(Some("asc_runtime"), Some("asc-runtime")),
            Role::Runtime
        );
        assert_eq!(
            Role::of(Some("tests"), Some("asc-runtime")),
            Role::Application
        );
        assert_eq!(
            Role::of(Some("asc_runtime"), Some("impostor")),
            Role::Application
        );
        assert_eq!(Role::of(None, None), Role::Application);
    }
}
