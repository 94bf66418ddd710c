//! What `cargo asc` tells the wrappers that cargo starts, in the environment.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::integrity::Integrity;

const INTEGRITY: &str = "ASC_WRAPPER_INTEGRITY";
const SYSROOT: &str = "ASC_WRAPPER_SYSROOT";
const INERT_ARCHIVE: &str = "ASC_WRAPPER_INERT_ARCHIVE";
const CHAINED_WRAPPER: &str = "ASC_WRAPPER_CHAINED";
const CHAINED_RUSTDOC: &str = "ASC_WRAPPER_RUSTDOC";

/// What a wrapper knows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Environment {
    pub(crate) integrity: Integrity,
    pub(crate) sysroot: PathBuf,
    pub(crate) inert_archive: PathBuf,
    /// The user's own rustc wrapper, which goes between us and rustc.
    pub(crate) chained_wrapper: Option<OsString>,
    /// The real rustdoc.
    pub(crate) rustdoc: OsString,
}

impl Environment {
    /// `None` when `cargo asc` did not start this process.
    pub(crate) fn read() -> Option<Self> {
        Some(Self {
            integrity: Integrity::parse(INTEGRITY, &env::var_os(INTEGRITY)?).ok()?,
            sysroot: env::var_os(SYSROOT)?.into(),
            inert_archive: env::var_os(INERT_ARCHIVE)?.into(),
            chained_wrapper: env::var_os(CHAINED_WRAPPER),
            rustdoc: env::var_os(CHAINED_RUSTDOC)?,
        })
    }

    /// Hands this over to cargo and to all it starts.
    pub(crate) fn give_to(&self, command: &mut Command, wrapper: &Path, rustdoc_wrapper: &Path) {
        command
            .env("RUSTC_WRAPPER", wrapper)
            .env("RUSTDOC", rustdoc_wrapper)
            .env(INTEGRITY, self.integrity.name())
            .env(SYSROOT, &self.sysroot)
            .env(INERT_ARCHIVE, &self.inert_archive)
            .env(CHAINED_RUSTDOC, &self.rustdoc);
        match &self.chained_wrapper {
            Some(chained) => command.env(CHAINED_WRAPPER, chained),
            None => command.env_remove(CHAINED_WRAPPER),
        };
    }
}
