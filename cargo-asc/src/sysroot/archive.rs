//! Reading and writing of `ar` archives: rlibs and the inert archive.

use std::fs;
use std::path::Path;

use ar_archive_writer::{ArchiveKind, DEFAULT_OBJECT_READER, NewArchiveMember};
use object::read::archive::{ArchiveFile, ArchiveMember};

use crate::refusal::{Cause, Refusal};

/// One file inside an archive.
#[cfg_attr(test, derive(Clone, Debug, PartialEq, Eq))]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// All members of an archive, in order.
pub(super) fn read(path: &Path) -> Result<Vec<Member>, Refusal> {
    let bytes = fs::read(path).map_err(|error| Refusal::file("read", path, &error))?;
    parse(&bytes).map_err(|error| {
        Refusal::new(
            Cause::UnsuitableToolchain,
            format!("an archive: {}", path.display()),
            error.to_string(),
            "reinstall the toolchain: rustup toolchain uninstall stable && rustup toolchain install stable",
        )
    })
}

/// The members of the archive that `bytes` are.
fn parse(bytes: &[u8]) -> object::Result<Vec<Member>> {
    let archive = ArchiveFile::parse(bytes)?;
    let member = |member: object::Result<ArchiveMember<'_>>| {
        let member = member?;
        Ok(Member {
            name: String::from_utf8_lossy(member.name()).into_owned(),
            bytes: member.data(bytes)?.to_vec(),
        })
    };
    archive.members().map(member).collect()
}

/// Writes an archive with the symbol index that linkers want.
pub(super) fn write(path: &Path, members: Vec<Member>) -> Result<(), Refusal> {
    let members: Vec<_> = members
        .into_iter()
        .map(|member| NewArchiveMember {
            buf: Box::new(member.bytes),
            object_reader: &DEFAULT_OBJECT_READER,
            member_name: member.name,
            mtime: 0,
            uid: 0,
            gid: 0,
            perms: 0o644,
        })
        .collect();
    let mut bytes = std::io::Cursor::new(Vec::new());
    ar_archive_writer::write_archive_to_stream(&mut bytes, &members, ArchiveKind::Gnu, false, None)
        .and_then(|()| fs::write(path, bytes.into_inner()))
        .map_err(|error| Refusal::file("write", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn members() -> impl Strategy<Value = Vec<Member>> {
        let bytes = prop::collection::vec(any::<u8>(), 0..64);
        let member = ("[a-z]{1,40}", bytes).prop_map(|(name, bytes)| Member { name, bytes });
        prop::collection::vec(member, 0..6)
    }

    fn written(members: Vec<Member>) -> Vec<u8> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("archive.a");
        write(&path, members).unwrap();
        fs::read(path).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(members in members()) {
            prop_assert_eq!(parse(&written(members.clone())).unwrap(), members);
        }

        #[test]
        fn arbitrary_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            prop_assert!(parse(&bytes).is_err());
        }

        #[test]
        fn a_damaged_archive_is_read_or_refused(
            members in members(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..9),
            kept: prop::sample::Index,
            is_cut: bool,
        ) {
            let mut bytes = written(members);
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if is_cut {
                bytes.truncate(kept.index(bytes.len()));
            }
            let read: usize = parse(&bytes).map_or(0, |members| {
                members.iter().map(|member| member.bytes.len()).sum()
            });
            prop_assert!(read <= bytes.len());
        }
    }

    #[test]
    fn the_refusal_names_the_file_and_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("libbroken.rlib");
        fs::write(&path, "!<arch>\nbroken").unwrap();
        let refusal = read(&path).err().unwrap();
        assert_eq!(refusal.exit_status(), 81);
        let message = refusal.to_string();
        assert!(
            message.contains("libbroken.rlib") && message.contains("reinstall"),
            "{message}"
        );
    }
}
