//! Reading and writing of `ar` archives: rlibs and the inert archive.

use std::fs;
use std::path::Path;

use ar_archive_writer::{ArchiveKind, DEFAULT_OBJECT_READER, NewArchiveMember};
use object::read::archive::ArchiveFile;

use crate::refusal::{Cause, Refusal};

/// One file inside an archive.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// All members of an archive, in order.
pub(super) fn read(path: &Path) -> Result<Vec<Member>, Refusal> {
    let bytes = fs::read(path).map_err(|error| Refusal::file("read", path, &error))?;
    let members = || -> object::Result<Vec<Member>> {
        let archive = ArchiveFile::parse(&*bytes)?;
        let member = |member: object::Result<object::read::archive::ArchiveMember<'_>>| {
            let member = member?;
            Ok(Member {
                name: String::from_utf8_lossy(member.name()).into_owned(),
                bytes: member.data(&*bytes)?.to_vec(),
            })
        };
        archive.members().map(member).collect()
    };
    members().map_err(|error| {
        Refusal::new(
            Cause::UnsuitableToolchain,
            format!("an archive: {}", path.display()),
            error.to_string(),
            "reinstall the toolchain: rustup toolchain uninstall stable && rustup toolchain install stable",
        )
    })
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
