//! The rustdoc wrapper: doctests are executables of the target too.
//!
//! cargo knows no rustdoc wrapper, only `RUSTDOC`, so `cargo asc` points that
//! to a link with the name below, which leads to this program. rustdoc hands
//! `--sysroot` and all `-C` options on to the rustc that compiles the doctests.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::added_arguments::{AddedArguments, Role};
use super::environment::Environment;
use super::invocation::Invocation;
use crate::refusal::Refusal;

/// The program name by which the wrapper knows that rustdoc is meant.
pub(crate) const PROGRAM_NAME: &str = "asc-rustdoc";

/// Becomes rustdoc, with our arguments when it works for the target.
pub(super) fn run(environment: &Environment, arguments: Vec<OsString>) -> Result<u8, Refusal> {
    let invocation = Invocation::read(&arguments);
    let mut command = Command::new(&environment.rustdoc);
    command.args(&arguments);
    if invocation.has_target {
        let added = AddedArguments {
            integrity: environment.integrity,
            sysroot: &environment.sysroot,
            inert_archive: &environment.inert_archive,
            // A doctest is an application, the runtime's own too.
            role: Role::Application,
            is_linked: invocation.is_linked,
            optimization: invocation.optimization,
            has_bitcode: false,
            has_early_bitcode: false,
        };
        command.args(added.list());
    }
    let error = command.exec();
    Err(Refusal::program(environment.rustdoc.as_ref(), &error))
}
