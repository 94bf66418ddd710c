//! The instrumented sysroot: the toolchain's own standard library with hooks.
//!
//! Made once per toolchain and pipeline, from the bitcode that the toolchain's
//! rlibs contain; no standard library source is needed. Its life:
//!
//! 1. [`cache`] names the entry by toolchain and pipeline.
//! 2. [`manifest`] checks a finished entry, file by file; a sound one is used.
//! 3. Else, under a file lock, [`layout`] lays out a new sysroot in a
//!    temporary directory, [`instrument`] adds the hooks to each object of
//!    each rlib, and [`inert`] builds the archive of hooks that do nothing.
//! 4. [`probe`] compiles and runs a small program with it.
//! 5. The manifest is written and the directory renamed to its final name, so
//!    that nobody ever sees a half-built entry.
//! 6. [`obsolete`] removes the entries that a newer toolchain left behind.

mod archive;
pub(crate) mod cache;
mod embedded_bitcode;
mod inert;
mod instrument;
pub(crate) mod layout;
mod manifest;
mod obsolete;
mod probe;
mod progress;

use std::fs;
use std::path::{Path, PathBuf};

use crate::integrity::Integrity;
use crate::refusal::Refusal;
use crate::toolchain::Toolchain;

/// What the directory of an entry under construction begins with.
const WORKSHOP_PREFIX: &str = ".building-";

/// An instrumented sysroot, ready for use.
#[derive(Debug)]
pub(crate) struct Sysroot {
    entry: PathBuf,
}

/// Whether the cache holds a sound sysroot for a toolchain.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Every file is there with its checksum.
    Sound,
    /// Nothing has been built yet.
    Absent,
    /// Something is missing or differs; the text says what.
    Damaged(String),
}

impl Sysroot {
    /// What `rustc --sysroot` gets.
    pub(crate) fn directory(&self) -> PathBuf {
        self.entry.join("sysroot")
    }

    /// The hooks for executables that do not link asc-runtime.
    pub(crate) fn inert_archive(&self) -> PathBuf {
        self.entry.join(inert::ARCHIVE_NAME)
    }

    /// The sysroot for this toolchain, built first when there is no sound one.
    pub(crate) fn ensure(toolchain: &Toolchain, integrity: Integrity) -> Result<Self, Refusal> {
        let entry = cache::entry(toolchain, integrity)?;
        if cache::look_and_use(&entry, || manifest::state(&entry)) != State::Sound {
            let _lock = cache::lock(&entry)?;
            // Another process may have built it while this one waited.
            match manifest::state(&entry) {
                State::Sound => {}
                State::Absent => build(toolchain, integrity, &entry)?,
                State::Damaged(what) => {
                    eprintln!(
                        "cargo asc: the cached sysroot is damaged ({what}), building it again"
                    );
                    build(toolchain, integrity, &entry)?;
                }
            }
        }
        Ok(Self { entry })
    }

    /// Builds the sysroot for this toolchain again, whatever the cache holds.
    pub(crate) fn rebuild(toolchain: &Toolchain, integrity: Integrity) -> Result<Self, Refusal> {
        let entry = cache::entry(toolchain, integrity)?;
        let _lock = cache::lock(&entry)?;
        build(toolchain, integrity, &entry)?;
        Ok(Self { entry })
    }

    /// What the cache holds for this toolchain, without building anything.
    pub(crate) fn look(
        toolchain: &Toolchain,
        integrity: Integrity,
    ) -> Result<(PathBuf, State), Refusal> {
        let entry = cache::entry(toolchain, integrity)?;
        let state = manifest::state(&entry);
        Ok((entry, state))
    }
}

/// Counts the objects of the toolchain's standard library; a refusal when one
/// of them has no bitcode.
pub(crate) fn count_bitcode(toolchain: &Toolchain) -> Result<usize, Refusal> {
    instrument::count(&layout::rlibs(&toolchain.library_directory())?)
}

/// Builds one cache entry beside its final place and moves it there.
fn build(toolchain: &Toolchain, integrity: Integrity, entry: &Path) -> Result<(), Refusal> {
    let parent = entry.parent().unwrap_or(Path::new("/"));
    let workshop = tempfile::Builder::new()
        .prefix(WORKSHOP_PREFIX)
        .tempdir_in(parent)
        .map_err(|error| Refusal::file("create a directory in", parent, &error))?;
    let draft = Sysroot {
        entry: workshop.path().join("entry"),
    };
    let scratch = workshop.path().join("scratch");
    for directory in [&draft.entry, &scratch] {
        fs::create_dir(directory).map_err(|error| Refusal::file("create", directory, &error))?;
    }
    let rlibs = layout::lay_out(toolchain, &draft.directory())?;
    instrument::instrument_all(toolchain, integrity, &rlibs, &scratch)?;
    inert::build(toolchain, &draft.inert_archive(), &scratch)?;
    probe::probe(toolchain, integrity, &draft, &scratch)?;
    manifest::write(&draft.entry)?;
    replace(&draft.entry, entry, workshop.path())?;
    // Entries become obsolete when toolchains change, which is when new ones are built.
    obsolete::remove(parent, entry);
    Ok(())
}

/// Moves `draft` to `entry`; what was there goes away with the workshop.
fn replace(draft: &Path, entry: &Path, workshop: &Path) -> Result<(), Refusal> {
    if entry.exists() {
        fs::rename(entry, workshop.join("replaced"))
            .map_err(|error| Refusal::file("move away", entry, &error))?;
    }
    fs::rename(draft, entry).map_err(|error| Refusal::file("create", entry, &error))
}
