//! This program under the names that cargo is told to start.
//!
//! For rustc it is started as it is. For rustdoc there is a link with a name
//! of its own, because cargo passes rustdoc nothing that would tell the two
//! apart. The link lives in the cache, one per place of this program.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::fingerprint::Fingerprint;
use crate::refusal::Refusal;
use crate::sysroot::cache;
use crate::wrapper::RUSTDOC_PROGRAM_NAME;

/// What cargo gets as `RUSTC_WRAPPER` and as `RUSTDOC`.
pub(crate) struct WrapperPrograms {
    pub(crate) rustc: PathBuf,
    pub(crate) rustdoc: PathBuf,
}

/// Makes both ready.
pub(crate) fn prepare() -> Result<WrapperPrograms, Refusal> {
    let rustc = env::current_exe()
        .map_err(|error| Refusal::file("find", "this program's own file".as_ref(), &error))?;
    let mut fingerprint = Fingerprint::new();
    fingerprint.add(rustc.as_os_str().as_encoded_bytes());
    let directory = cache::root()?.join("programs").join(fingerprint.finish());
    let rustdoc = directory.join(RUSTDOC_PROGRAM_NAME);
    if fs::read_link(&rustdoc).ok().as_ref() != Some(&rustc) {
        fs::create_dir_all(&directory)
            .map_err(|error| Refusal::file("create", &directory, &error))?;
        replace_link(&rustc, &rustdoc)
            .map_err(|error| Refusal::file("create", &rustdoc, &error))?;
    }
    Ok(WrapperPrograms { rustc, rustdoc })
}

/// Makes `link` lead to `target`; another process may do the same meanwhile.
fn replace_link(target: &Path, link: &Path) -> std::io::Result<()> {
    let draft = link.with_extension(std::process::id().to_string());
    symlink(target, &draft)?;
    fs::rename(draft, link)
}
