//! The rustc wrapper: how our flags reach every crate of the target.
//!
//! cargo runs `cargo-asc <rustc> <arguments…>` in place of `rustc`. Nothing
//! else of the user's build is touched: RUSTFLAGS, profiles and cargo's
//! configuration stay in force, because the flags are added here.
//!
//! 1. [`environment`] carries what `cargo asc` found out.
//! 2. [`invocation`] reads rustc's arguments. Without `--target` it is a build
//!    script, a proc macro or a question to rustc, and stays as it is.
//! 3. [`added_arguments`] says what is added for the target's crates.
//! 4. [`runtime_marker`] tells the crates above whether this one contains the
//!    runtime.
//! 5. The real rustc (or the user's own wrapper around it) takes over.

pub(crate) mod added_arguments;
pub(crate) mod environment;
mod invocation;
mod runtime_marker;
mod rustdoc;

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use self::added_arguments::{AddedArguments, Role};
use self::environment::Environment;
use self::invocation::Invocation;
use crate::integrity::Integrity;
use crate::refusal::{Cause, Refusal};
use crate::{command_line, pipeline};

pub(crate) use self::rustdoc::PROGRAM_NAME as RUSTDOC_PROGRAM_NAME;

/// Does the work of a wrapper when cargo started this process as one.
pub(crate) fn run_if_wrapper() -> Option<Result<u8, Refusal>> {
    let mut arguments = env::args_os();
    let program = PathBuf::from(arguments.next()?);
    let arguments: Vec<OsString> = arguments.collect();
    let environment = Environment::read()?;
    if program.file_name() == Some(OsStr::new(RUSTDOC_PROGRAM_NAME)) {
        return Some(rustdoc::run(&environment, arguments));
    }
    let rustc = arguments.first()?;
    is_rustc(rustc).then(|| run(&environment, rustc, &arguments[1..]))
}

/// Users name a subcommand or an option first, cargo names rustc, or the
/// user's workspace wrapper around it.
fn is_rustc(first_argument: &OsStr) -> bool {
    let is_option = first_argument.as_encoded_bytes().starts_with(b"-");
    !is_option && first_argument != "asc" && !command_line::is_action(first_argument)
}

fn run(environment: &Environment, rustc: &OsStr, arguments: &[OsString]) -> Result<u8, Refusal> {
    let mut command = match &environment.chained_wrapper {
        Some(wrapper) => {
            let mut command = Command::new(wrapper);
            command.arg(rustc);
            command
        }
        None => Command::new(rustc),
    };
    command.args(arguments);
    if invocation::asks_for_version(arguments) {
        return answer_version(command, environment.integrity);
    }
    let invocation = Invocation::read(arguments);
    if invocation.has_target {
        let role = Role::of(
            invocation.crate_name.as_deref(),
            env::var("CARGO_PKG_NAME").ok().as_deref(),
        );
        let dependency_with_runtime = runtime_marker::dependency_with_runtime(&invocation);
        check(&invocation, dependency_with_runtime)?;
        if role == Role::Runtime || dependency_with_runtime.is_some() {
            runtime_marker::leave(&invocation)?;
        }
        let added = AddedArguments {
            integrity: environment.integrity,
            sysroot: &environment.sysroot,
            inert_archive: &environment.inert_archive,
            role,
            is_linked: invocation.is_linked,
            optimization: invocation.optimization,
            has_bitcode: invocation.has_bitcode(),
            has_early_bitcode: invocation.has_early_bitcode(),
        };
        command.args(added.list());
    }
    let error = command.exec();
    Err(Refusal::program(command.get_program().as_ref(), &error))
}

/// cargo builds everything again when rustc's version text changes; the extra
/// line changes it whenever hardened programs would come out different.
fn answer_version(mut command: Command, integrity: Integrity) -> Result<u8, Refusal> {
    let done = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Refusal::program(command.get_program().as_ref(), &error))?;
    let mut answer = done.stdout;
    writeln!(answer, "asc-pipeline: {}", pipeline::fingerprint(integrity))
        .and_then(|()| std::io::stdout().write_all(&answer))
        .map_err(|error| Refusal::file("write", "standard output".as_ref(), &error))?;
    Ok(done
        .status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1))
}

/// Refuses what would link code without hooks into a hardened program.
fn check(invocation: &Invocation, dependency_with_runtime: Option<&str>) -> Result<(), Refusal> {
    if invocation.prefers_dynamic {
        return Err(Refusal::new(
            Cause::ConflictingSetting,
            "crates linked statically with the instrumented standard library",
            "-Cprefer-dynamic (or a dylib crate, for which cargo sets it); libstd.so has no hooks",
            "remove -Cprefer-dynamic from RUSTFLAGS and `dylib` from crate-type; rlib works",
        ));
    }
    if let (true, Some(dependency)) = (invocation.is_shared_library, dependency_with_runtime) {
        return Err(Refusal::new(
            Cause::ConflictingSetting,
            "handlers in an executable, which alone can hold the runtime's thread-local words",
            format!(
                "crate-type cdylib in a package that contains asc-runtime, by its dependency `{dependency}`"
            ),
            "move the handlers into an executable, or build this library without `asc`",
        ));
    }
    if invocation.has_static_libc {
        return Err(Refusal::new(
            Cause::ConflictingSetting,
            "libc as a shared library, whose own calls of malloc and the like stay its own",
            "-Ctarget-feature=+crt-static, with which they would go through asc-runtime too early",
            "remove +crt-static from RUSTFLAGS",
        ));
    }
    if let Some(sysroot) = &invocation.sysroot {
        return Err(Refusal::new(
            Cause::ConflictingSetting,
            "the instrumented sysroot",
            format!("--sysroot {} in the flags for rustc", sysroot.display()),
            "remove --sysroot from RUSTFLAGS, or build without `asc`",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_rustc;
    use std::ffi::OsStr;

    #[test]
    fn rustc_is_told_from_a_subcommand() {
        for rustc in [
            "rustc",
            "/usr/bin/rustc",
            "../tools/my-compiler",
            "clippy-driver",
        ] {
            assert!(is_rustc(OsStr::new(rustc)), "{rustc}");
        }
        for other in ["asc", "build", "b", "--help", "-V", "sysroot", "help"] {
            assert!(!is_rustc(OsStr::new(other)), "{other}");
        }
    }
}
