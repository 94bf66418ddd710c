//! The list of an entry's files, with lengths and checksums.
//!
//! It is written last, so an entry without one is half-written; and it is
//! checked in full before every build, because a standard library that rotted
//! on disk is exactly what this project is there to catch.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::State;
use crate::refusal::{Cause, Refusal};

const FILE_NAME: &str = "manifest.json";

/// What one path of the entry must be.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Content {
    File { length: u64, crc32c: u32 },
    Link { target: PathBuf },
}

type Manifest = BTreeMap<PathBuf, Content>;

/// Writes the manifest of a finished entry.
pub(super) fn write(entry: &Path) -> Result<(), Refusal> {
    let path = entry.join(FILE_NAME);
    let mut manifest = Manifest::new();
    collect(entry, Path::new(""), &mut manifest)
        .map_err(|error| Refusal::file("read", entry, &error))?;
    let text = serde_json::to_string_pretty(&manifest).map_err(|error| {
        Refusal::new(
            Cause::SysrootFailed,
            "a manifest",
            error.to_string(),
            "report this as a bug",
        )
    })?;
    fs::write(&path, text).map_err(|error| Refusal::file("write", &path, &error))
}

/// Compares an entry with its manifest.
pub(super) fn state(entry: &Path) -> State {
    if !entry.exists() {
        return State::Absent;
    }
    let text = match fs::read(entry.join(FILE_NAME)) {
        Ok(text) => text,
        Err(error) => return State::Damaged(format!("{FILE_NAME}: {error}")),
    };
    let Ok(manifest) = serde_json::from_slice::<Manifest>(&text) else {
        return State::Damaged(format!("{FILE_NAME}: not a manifest"));
    };
    for (path, wanted) in &manifest {
        match content(&entry.join(path)) {
            Ok(found) if found == *wanted => {}
            Ok(_) => return State::Damaged(format!("{}: content differs", path.display())),
            Err(error) => return State::Damaged(format!("{}: {error}", path.display())),
        }
    }
    State::Sound
}

/// Whether everything that the entry links to is still there. A toolchain that
/// was updated or removed takes its files along, and the entry is useless.
pub(super) fn has_its_toolchain(entry: &Path) -> bool {
    let Ok(text) = fs::read(entry.join(FILE_NAME)) else {
        return false;
    };
    serde_json::from_slice::<Manifest>(&text).is_ok_and(|manifest| {
        let mut links = manifest
            .iter()
            .filter(|(_, content)| matches!(content, Content::Link { .. }));
        links.all(|(path, _)| entry.join(path).exists())
    })
}

/// Adds everything below `entry/below` to the manifest.
fn collect(entry: &Path, below: &Path, manifest: &mut Manifest) -> std::io::Result<()> {
    for item in fs::read_dir(entry.join(below))? {
        let item = item?;
        let path = below.join(item.file_name());
        if item.file_type()?.is_dir() {
            collect(entry, &path, manifest)?;
        } else {
            let content = content(&item.path())?;
            manifest.insert(path, content);
        }
    }
    Ok(())
}

fn content(path: &Path) -> std::io::Result<Content> {
    if path.symlink_metadata()?.is_symlink() {
        // A link into a toolchain that is gone is damage too.
        path.metadata()?;
        return Ok(Content::Link {
            target: fs::read_link(path)?,
        });
    }
    let bytes = fs::read(path)?;
    Ok(Content::File {
        length: bytes.len() as u64,
        crc32c: crc_fast::crc32_iscsi(&bytes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> tempfile::TempDir {
        let entry = tempfile::tempdir().unwrap();
        fs::create_dir(entry.path().join("sub")).unwrap();
        fs::write(entry.path().join("sub/file"), "content").unwrap();
        std::os::unix::fs::symlink("file", entry.path().join("sub/link")).unwrap();
        write(entry.path()).unwrap();
        entry
    }

    #[test]
    fn a_sound_entry_is_sound() {
        assert_eq!(state(entry().path()), State::Sound);
    }

    #[test]
    fn a_flipped_byte_is_damage() {
        let entry = entry();
        fs::write(entry.path().join("sub/file"), "contend").unwrap();
        assert_eq!(
            state(entry.path()),
            State::Damaged("sub/file: content differs".into())
        );
    }

    #[test]
    fn a_missing_file_and_a_dangling_link_are_damage() {
        let entry = entry();
        fs::remove_file(entry.path().join("sub/file")).unwrap();
        assert!(matches!(state(entry.path()), State::Damaged(what) if what.contains("sub/")));
    }

    #[test]
    fn an_entry_without_manifest_is_damage_and_no_entry_is_absence() {
        let entry = entry();
        fs::remove_file(entry.path().join(FILE_NAME)).unwrap();
        assert!(matches!(state(entry.path()), State::Damaged(what) if what.contains(FILE_NAME)));
        assert_eq!(state(&entry.path().join("elsewhere")), State::Absent);
    }

    proptest::proptest! {
        #[test]
        fn whatever_a_manifest_holds_the_answer_is_a_state(text: Vec<u8>, place: usize, byte: u8) {
            let entry = entry();
            let manifest = entry.path().join(FILE_NAME);
            let mut changed = fs::read(&manifest).unwrap();
            let place = place % changed.len();
            changed[place] = byte;
            fs::write(&manifest, changed).unwrap();
            // One byte may be white space, which changes nothing.
            if let State::Damaged(what) = state(entry.path()) {
                assert!(!what.is_empty());
            }
            fs::write(&manifest, text).unwrap();
            assert!(matches!(state(entry.path()), State::Damaged(what) if what.contains(FILE_NAME)));
            assert!(!has_its_toolchain(entry.path()));
        }
    }
}
