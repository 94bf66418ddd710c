//! Builds small cargo projects in temporary directories with the cargo-asc
//! that is being tested.
//!
//! All tests share one cache, so the sysroot is built once; a test that
//! damages a cache makes its own.

// Each test binary uses its own part of this.
#![allow(dead_code)]

pub(crate) mod llvm_ir;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The only target of hardened builds.
pub(crate) const TARGET: &str = "x86_64-unknown-linux-gnu";

/// A cargo project that goes away with this value.
pub(crate) struct Project {
    directory: tempfile::TempDir,
}

impl Project {
    /// A project with these files; a `Cargo.toml` is added when none is given.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let project = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        if !files.iter().any(|(name, _)| *name == "Cargo.toml") {
            project.write("Cargo.toml", &manifest("specimen", ""));
        }
        files
            .iter()
            .for_each(|(name, text)| project.write(name, text));
        project
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// `cargo asc <line>`, the line split at spaces.
    pub(crate) fn asc(&self, line: &str) -> Command {
        let mut command = cargo_asc();
        command
            .current_dir(self.directory.path())
            .arg("asc")
            .args(line.split_whitespace());
        command
    }

    /// A built file of the specimen.
    pub(crate) fn built(&self, profile: &str, name: &str) -> PathBuf {
        self.path("target/asc")
            .join(TARGET)
            .join(profile)
            .join(name)
    }
}

/// A manifest for one package of edition 2024.
pub(crate) fn manifest(name: &str, rest: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{rest}\n")
}

/// The profiles that differ for the wrapper: with and without LTO, unwinding
/// and aborting, one and many codegen units.
pub(crate) const PROFILES: &str = r#"
[profile.none]
inherits = "release"
lto = "off"
[profile.thin]
inherits = "release"
lto = "thin"
panic = "abort"
[profile.fat]
inherits = "release"
lto = "fat"
codegen-units = 1
"#;

/// All profile names of a manifest with [`PROFILES`].
pub(crate) const PROFILE_NAMES: [&str; 4] = ["dev", "none", "thin", "fat"];

/// The cargo-asc under test, with nothing of this process's own build in its
/// environment.
pub(crate) fn cargo_asc() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-asc"));
    clean_environment(&mut command);
    command
}

/// Takes this process's own build out of a command's environment.
pub(crate) fn clean_environment(command: &mut Command) {
    for (name, _) in env::vars() {
        let is_of_build = ["ASC_", "CARGO_", "RUSTC", "RUSTDOC", "RUSTFLAGS"]
            .iter()
            .any(|prefix| name.starts_with(prefix));
        if is_of_build && name != "CARGO_HOME" {
            command.env_remove(name);
        }
    }
    command
        .env("ASC_CACHE_DIR", shared_cache())
        .env("CARGO_TERM_COLOR", "never");
}

/// The cache all tests share.
pub(crate) fn shared_cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("asc-cache")
}

/// The instrumented sysroot and, beside it, the inert archive.
pub(crate) fn sysroot() -> (PathBuf, PathBuf) {
    let printed = stdout(&succeed(cargo_asc().args(["sysroot", "--print"])));
    let sysroot = PathBuf::from(printed.trim());
    let archive = sysroot.parent().unwrap().join("libasc_inert.a");
    (sysroot, archive)
}

/// The rustc wrapper as cargo would start it, around the real rustc.
pub(crate) fn wrapped_rustc() -> Command {
    let (sysroot, archive) = sysroot();
    let mut command = cargo_asc();
    command
        .env("ASC_WRAPPER_INTEGRITY", "ecc")
        .env("ASC_WRAPPER_SYSROOT", sysroot)
        .env("ASC_WRAPPER_INERT_ARCHIVE", archive)
        .env("ASC_WRAPPER_RUSTDOC", "rustdoc")
        .arg("rustc");
    command
}

/// Runs a command that must succeed.
pub(crate) fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}\n{}\n{}{}",
        output.status,
        stdout(&output),
        stderr(&output)
    );
    output
}

/// Runs a command that must end with this status; returns its stderr.
pub(crate) fn fail_with(command: &mut Command, status: i32) -> String {
    let output = command.output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(status),
        "{command:?}\n{}",
        stderr(&output)
    );
    stderr(&output)
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
