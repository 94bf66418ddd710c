//! The shape of a sysroot: what is built anew and what is linked from the toolchain.
//!
//! Everything outside the target's library directory is a symbolic link into
//! the toolchain, so that rustc, rustdoc and the linker find what they expect.
//! In the library directory the rlibs of the standard library are left out
//! here, to be instrumented, and so is `libstd-*.so`, which has no hooks.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::refusal::Refusal;
use crate::toolchain::{TARGET, Toolchain};

/// These rlibs stay as they are: what the compiler's own calls need (memcpy,
/// 128-bit division) and what profiling needs; neither keeps program state.
const UNTOUCHED: &[&str] = &["libcompiler_builtins-", "libprofiler_builtins-"];

/// An rlib to instrument and the place of the result.
#[derive(Debug)]
pub(crate) struct Rlib {
    pub(super) source: PathBuf,
    pub(super) destination: PathBuf,
}

/// Lays out the sysroot and returns the rlibs that are still missing in it.
pub(super) fn lay_out(toolchain: &Toolchain, sysroot: &Path) -> Result<Vec<Rlib>, Refusal> {
    let of_target = Path::new("lib/rustlib").join(TARGET);
    let mut level = PathBuf::new();
    create(&sysroot.join(&level))?;
    // Each directory on the way down is real; its other entries are links.
    for part in of_target.join("lib").iter() {
        link_others(
            &toolchain.sysroot.join(&level),
            &sysroot.join(&level),
            part.into(),
        )?;
        level.push(part);
        create(&sysroot.join(&level))?;
    }
    lay_out_libraries(&toolchain.library_directory(), &sysroot.join(&level))
}

/// The names in a directory.
pub(crate) fn file_names(directory: &Path) -> Result<Vec<OsString>, Refusal> {
    let read = || -> std::io::Result<Vec<OsString>> {
        fs::read_dir(directory)?
            .map(|item| Ok(item?.file_name()))
            .collect()
    };
    read().map_err(|error| Refusal::file("list", directory, &error))
}

/// The rlibs in a library directory that are to be instrumented.
pub(super) fn rlibs(directory: &Path) -> Result<Vec<PathBuf>, Refusal> {
    let names = file_names(directory)?;
    Ok(names
        .iter()
        .filter(|name| is_instrumented(name))
        .map(|name| directory.join(name))
        .collect())
}

fn is_instrumented(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.ends_with(".rlib") && !UNTOUCHED.iter().any(|prefix| name.starts_with(prefix))
}

/// The standard library for `-Cprefer-dynamic`, which hardened programs refuse.
fn is_dynamic(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("libstd-") && name.ends_with(".so")
}

fn lay_out_libraries(from: &Path, to: &Path) -> Result<Vec<Rlib>, Refusal> {
    let mut rlibs = Vec::new();
    for name in file_names(from)? {
        let (source, destination) = (from.join(&name), to.join(&name));
        if is_instrumented(&name) {
            rlibs.push(Rlib {
                source,
                destination,
            });
        } else if !is_dynamic(&name) {
            link(&source, &destination)?;
        }
    }
    Ok(rlibs)
}

fn link_others(from: &Path, to: &Path, except: OsString) -> Result<(), Refusal> {
    for name in file_names(from)?.into_iter().filter(|name| *name != except) {
        link(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

fn link(target: &Path, path: &Path) -> Result<(), Refusal> {
    symlink(target, path).map_err(|error| Refusal::file("create", path, &error))
}

fn create(directory: &Path) -> Result<(), Refusal> {
    fs::create_dir(directory).map_err(|error| Refusal::file("create", directory, &error))
}
