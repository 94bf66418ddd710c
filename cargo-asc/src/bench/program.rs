//! A program of this project's own, built to be measured.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo;
use crate::integrity::{Integrity, VARIABLE};
use crate::refusal::{Cause, Refusal};
use crate::toolchain::TARGET;

/// A binary of a package of this workspace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    pub(crate) package: &'static str,
    pub(crate) name: &'static str,
}

impl Program {
    /// Builds it with plain cargo and further arguments for it; returns where it is.
    pub(crate) fn build_plain(self, arguments: &[&str]) -> Result<PathBuf, Refusal> {
        let directory = cargo::target_directory()?.join("release");
        self.build(&mut cargo::cargo(), arguments, &directory)
    }

    /// Builds it hardened, with further arguments of `cargo asc build`.
    pub(crate) fn build_hardened(
        self,
        integrity: Integrity,
        arguments: &[&str],
    ) -> Result<PathBuf, Refusal> {
        let own =
            env::current_exe().map_err(|error| Refusal::program("cargo-asc".as_ref(), &error))?;
        let target = cargo::target_directory()?;
        let directory = target
            .join(integrity.directory())
            .join(TARGET)
            .join("release");
        let mut command = Command::new(own);
        command.arg("asc").env(VARIABLE, integrity.name());
        self.build(&mut command, arguments, &directory)
    }

    fn build(
        self,
        command: &mut Command,
        arguments: &[&str],
        directory: &Path,
    ) -> Result<PathBuf, Refusal> {
        let status = command
            .args(["build", "--release", "--package", self.package])
            .args(["--bin", self.name])
            .args(arguments)
            .status()
            .map_err(|error| {
                Refusal::program(OsStr::new(command.get_program()).as_ref(), &error)
            })?;
        if status.success() {
            return Ok(directory.join(self.name));
        }
        Err(Refusal::new(
            Cause::Environment,
            format!("to build package `{}`", self.package),
            status.to_string(),
            "run `cargo asc bench` inside the project's own checkout",
        ))
    }
}
