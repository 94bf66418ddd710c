//! Runs the real cargo, set up for a hardened build.
//!
//! 1. [`arguments`] takes out of the user's arguments what decides where the
//!    output goes; the rest is passed on as it is.
//! 2. [`configuration`] reads cargo's configuration for the few settings that
//!    ours must not override: the user's rustc, wrapper, rustdoc and target.
//! 3. [`workspace`] asks cargo for the target directory; ours is in it, one for each kind
//!    of [`Integrity`].
//! 4. The sysroot is made ready, and this process becomes cargo, with this
//!    same program as the rustc wrapper.

mod arguments;
mod configuration;
mod workspace;

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use self::arguments::Arguments;
use self::configuration::Configuration;
use crate::integrity::Integrity;
use crate::refusal::{Cause, Refusal};
use crate::sysroot::Sysroot;
use crate::toolchain::{TARGET, Toolchain};
use crate::wrapper::environment::Environment;
use crate::wrapper_programs;

/// Runs `cargo <subcommand> <arguments>` as a hardened build.
pub(crate) fn run(subcommand: &str, arguments: &[OsString]) -> Result<u8, Refusal> {
    let arguments = Arguments::read(arguments);
    let integrity = Integrity::chosen(arguments.integrity.as_deref())?;
    let configuration = Configuration::read(&arguments.configuration)?;
    check_targets(&arguments.targets, &configuration.targets())?;
    let toolchain = Toolchain::find(configuration.rustc())?;
    let target_directory = asc_directory(&arguments, integrity)?;
    let sysroot = Sysroot::ensure(&toolchain, integrity)?;
    let environment = Environment {
        integrity,
        sysroot: sysroot.directory(),
        inert_archive: sysroot.inert_archive(),
        chained_wrapper: configuration.rustc_wrapper(),
        rustdoc: configuration.rustdoc(&toolchain),
    };
    let programs = wrapper_programs::prepare()?;
    let mut command = cargo();
    command
        .arg(subcommand)
        .args(["--target", TARGET, "--target-dir"])
        .arg(target_directory);
    command.args(&arguments.passed_on);
    environment.give_to(&mut command, &programs.rustc, &programs.rustdoc);
    let error = command.exec();
    Err(Refusal::program(command.get_program().as_ref(), &error))
}

/// Removes what hardened builds left behind, with line codes and without unless one of them is chosen; with
/// arguments, what they name. Returns cargo's exit status, that of the first failure.
pub(crate) fn clean(arguments: &[OsString]) -> Result<u8, Refusal> {
    let arguments = Arguments::read(arguments);
    let chosen = match arguments.integrity.as_deref() {
        Some(value) => vec![Integrity::chosen(Some(value))?],
        None => vec![Integrity::Ecc, Integrity::Crc],
    };
    for integrity in chosen {
        let status = clean_one(&arguments, integrity)?;
        if status != 0 {
            return Ok(status);
        }
    }
    Ok(0)
}

fn clean_one(arguments: &Arguments, integrity: Integrity) -> Result<u8, Refusal> {
    let mut command = cargo();
    command
        .arg("clean")
        .arg("--target-dir")
        .arg(asc_directory(arguments, integrity)?);
    if !arguments.passed_on.is_empty() {
        command
            .args(["--target", TARGET])
            .args(&arguments.passed_on);
    }
    let program = command.get_program().to_owned();
    let status = command
        .status()
        .map_err(|error| Refusal::program(program.as_ref(), &error))?;
    // A signal leaves no status.
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1))
}

/// The rustc that cargo would use here.
pub(crate) fn rustc() -> Result<OsString, Refusal> {
    Ok(Configuration::read(&[])?.rustc())
}

/// The real cargo, without what `cargo run` sets for this process when it is
/// started through an alias.
pub(crate) fn cargo() -> Command {
    const OF_THIS_PROGRAM: &[&str] = &[
        "CARGO_BIN_NAME",
        "CARGO_CRATE_NAME",
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_LINKS",
        "CARGO_MANIFEST_PATH",
        "CARGO_PRIMARY_PACKAGE",
        "OUT_DIR",
    ];
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let is_of_this_program = OF_THIS_PROGRAM.iter().any(|other| name == *other)
            || name.as_encoded_bytes().starts_with(b"CARGO_PKG_");
        if is_of_this_program {
            command.env_remove(name);
        }
    }
    command
}

/// The target directory of the workspace that this is run in.
pub(crate) fn target_directory() -> Result<PathBuf, Refusal> {
    workspace::target_directory(cargo(), &[])
}

/// Ours in the workspace's target directory, or in the one the user names.
fn asc_directory(arguments: &Arguments, integrity: Integrity) -> Result<PathBuf, Refusal> {
    let target_directory = match &arguments.target_directory {
        Some(directory) => directory.clone(),
        None => workspace::target_directory(cargo(), &arguments.workspace)?,
    };
    Ok(target_directory.join(integrity.directory()))
}

/// Hardened programs exist for one target; refuses to replace another one silently.
fn check_targets(of_arguments: &[String], of_configuration: &[String]) -> Result<(), Refusal> {
    let is_ours = |target: &&String| [TARGET, "host-tuple"].contains(&target.as_str());
    let refuse = |other: &str, place: &str, next_step: &str| {
        Refusal::new(
            Cause::UnsupportedTarget,
            format!("the target {TARGET}, the only one of hardened builds"),
            format!("{other} in {place}"),
            next_step,
        )
    };
    if let Some(other) = of_arguments.iter().find(|target| !is_ours(target)) {
        return Err(refuse(other, "--target", "leave --target out"));
    }
    let is_overridden = !of_arguments.is_empty();
    match of_configuration.iter().find(|target| !is_ours(target)) {
        Some(other) if !is_overridden => Err(refuse(
            other,
            "cargo's configuration (build.target or CARGO_BUILD_TARGET)",
            &format!("say that you mean it: add --target {TARGET}"),
        )),
        _ => Ok(()),
    }
}

/// An environment variable that is set and not empty.
fn set_variable(name: impl AsRef<OsStr>) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_host_target_is_accepted_wherever_it_is_named() {
        for accepted in [&[][..], &[TARGET], &["host-tuple"]] {
            check_targets(&targets(accepted), &targets(accepted)).unwrap();
        }
    }

    #[test]
    fn another_target_is_refused_and_named() {
        let other = targets(&["wasm32-wasip1"]);
        let refusal = check_targets(&other, &[]).unwrap_err();
        assert_eq!(refusal.exit_status(), 80);
        assert!(refusal.to_string().contains("wasm32-wasip1"));
        let refusal = check_targets(&[], &other).unwrap_err();
        assert!(refusal.to_string().contains("build.target"));
        check_targets(&targets(&[TARGET]), &other).unwrap();
    }
}
