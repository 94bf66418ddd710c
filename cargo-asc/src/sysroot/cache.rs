//! Where finished sysroots live, and the lock that one builder at a time holds.
//!
//! `$ASC_CACHE_DIR`, else `$XDG_CACHE_HOME/cargo-asc`, else
//! `~/.cache/cargo-asc`; below it one directory per toolchain and pipeline.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::pipeline;
use crate::refusal::{Cause, Refusal};
use crate::toolchain::Toolchain;

/// The directory for this toolchain and this pipeline.
pub(super) fn entry(toolchain: &Toolchain) -> Result<PathBuf, Refusal> {
    let commit: String = toolchain.commit.chars().take(9).collect();
    Ok(root()?.join(format!(
        "{}-{commit}-{}-{}",
        toolchain.release,
        toolchain.fingerprint()?,
        pipeline::fingerprint()
    )))
}

/// Holds the right to build `entry` until it is dropped.
pub(super) fn lock(entry: &Path) -> Result<File, Refusal> {
    let parent = entry.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(|error| Refusal::file("create", parent, &error))?;
    let path = entry.with_added_extension("lock");
    let file = File::create(&path).map_err(|error| Refusal::file("create", &path, &error))?;
    if file.try_lock().is_err() {
        eprintln!("cargo asc: waiting for another cargo asc that builds the sysroot");
        file.lock()
            .map_err(|error| Refusal::file("lock", &path, &error))?;
    }
    Ok(file)
}

/// The directory of all that cargo-asc keeps between runs.
pub(crate) fn root() -> Result<PathBuf, Refusal> {
    let directory = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let root = if let Some(own) = directory("ASC_CACHE_DIR") {
        PathBuf::from(own)
    } else if let Some(cache) = directory("XDG_CACHE_HOME") {
        PathBuf::from(cache).join("cargo-asc")
    } else if let Some(home) = env::home_dir() {
        home.join(".cache/cargo-asc")
    } else {
        return Err(Refusal::new(
            Cause::Environment,
            "a directory for the instrumented sysroot",
            "none of ASC_CACHE_DIR, XDG_CACHE_HOME and HOME is set",
            "set ASC_CACHE_DIR to a directory that can be written",
        ));
    };
    std::path::absolute(&root).map_err(|error| Refusal::file("resolve", &root, &error))
}
