//! Where finished sysroots live, and the lock of each: one builder or remover
//! at a time holds it alone, users share it while they look. Its file's time
//! is that of the last use.
//!
//! `$ASC_CACHE_DIR`, else `$XDG_CACHE_HOME/cargo-asc`, else
//! `~/.cache/cargo-asc`; below it one directory per toolchain and pipeline.

use std::env;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::integrity::Integrity;
use crate::pipeline;
use crate::refusal::{Cause, Refusal};
use crate::toolchain::Toolchain;

/// The directory for this toolchain and this pipeline.
pub(super) fn entry(toolchain: &Toolchain, integrity: Integrity) -> Result<PathBuf, Refusal> {
    let commit: String = toolchain.commit.chars().take(9).collect();
    Ok(root()?.join(format!(
        "{}-{commit}-{}-{}",
        toolchain.release,
        toolchain.fingerprint()?,
        pipeline::fingerprint(integrity)
    )))
}

/// Holds the right to build or remove `entry` until it is dropped.
pub(super) fn lock(entry: &Path) -> Result<File, Refusal> {
    let parent = entry.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(|error| Refusal::file("create", parent, &error))?;
    let path = lock_path(entry);
    let refuse = |action: &str, error: &io::Error| Refusal::file(action, &path, error);
    loop {
        let file = open_lock(&path).map_err(|error| refuse("create", &error))?;
        if file.try_lock().is_err() {
            eprintln!("cargo asc: waiting for another cargo asc that uses or builds the sysroot");
            file.lock().map_err(|error| refuse("lock", &error))?;
        }
        if is_at(&file, &path) {
            stamp(&file);
            return Ok(file);
        }
    }
}

/// The same, if nobody uses or builds `entry` at this moment; the time of its last use stays.
pub(super) fn lock_if_idle(entry: &Path) -> Option<File> {
    let path = lock_path(entry);
    let file = open_lock(&path).ok()?;
    file.try_lock().ok()?;
    is_at(&file, &path).then_some(file)
}

/// Looks at `entry` while nobody builds or removes it, and notes that it was used just now: for
/// some time nobody will remove it.
///
/// A cache that cannot be written is looked at without a lock: nobody changes it either.
pub(super) fn look_and_use<T>(entry: &Path, look: impl FnOnce() -> T) -> T {
    let path = lock_path(entry);
    loop {
        let Ok(file) = open_lock(&path) else {
            return look();
        };
        let is_locked = file.lock_shared().is_ok();
        if !is_locked || is_at(&file, &path) {
            stamp(&file);
            return look();
        }
    }
}

/// When `entry` was used last.
pub(super) fn last_use(entry: &Path) -> io::Result<SystemTime> {
    fs::metadata(lock_path(entry))
        .or_else(|_| fs::metadata(entry))?
        .modified()
}

/// The file whose lock is the right to use or to change `entry`.
pub(super) fn lock_path(entry: &Path) -> PathBuf {
    entry.with_added_extension("lock")
}

fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false).open(path)
}

/// Whether the lock that was waited for is still the one that others will find.
fn is_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let (ours, theirs) = (
        file.metadata().map(identity),
        fs::metadata(path).map(identity),
    );
    matches!((ours, theirs), (Ok(ours), Ok(theirs)) if ours == theirs)
}

/// Notes the time of use; without it the entry only seems older than it is.
fn stamp(file: &File) {
    let _ = file.set_modified(SystemTime::now());
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
