//! The memory: can pages be watched, and does the hardware correct bit flips?

use std::fs;
use std::path::Path;

use super::finding::Finding;
use crate::sys::userfaultfd::{self, Features};

/// Where the kernel's EDAC drivers report memory controllers.
const MEMORY_CONTROLLERS: &str = "/sys/devices/system/edac/mc";

/// What the memory offers.
pub(super) struct Memory {
    pub(super) findings: Vec<Finding>,
    /// Whether a thread can catch and lift write protection by userfaultfd.
    pub(super) has_userfaultfd: bool,
    /// Whether ECC was seen at work.
    pub(super) has_ecc: bool,
}

/// Looks at the memory and at what the kernel lets programs do with it.
pub(super) fn look() -> Memory {
    let (userfaultfd, has_userfaultfd) = look_at_userfaultfd();
    let (ecc, has_ecc) = look_at_ecc(Path::new(MEMORY_CONTROLLERS));
    Memory {
        findings: vec![userfaultfd, ecc],
        has_userfaultfd,
        has_ecc,
    }
}

fn look_at_userfaultfd() -> (Finding, bool) {
    const WHAT: &str = "userfaultfd";
    const SYSCTL: &str =
        "sysctl -w vm.unprivileged_userfaultfd=1, or give access to /dev/userfaultfd";
    match userfaultfd::features() {
        Ok(features) if features.suffice() => (
            Finding::good(WHAT, "there, with write protection and SIGBUS"),
            true,
        ),
        Ok(Features {
            write_protection,
            signal,
        }) => {
            let found = format!(
                "there, write protection: {}, SIGBUS: {}",
                yes_or_no(write_protection),
                yes_or_no(signal)
            );
            let next_step = "page mode falls back to mprotect; Linux 5.7 or newer has both";
            (Finding::limited(WHAT, found, next_step), false)
        }
        Err(error) => {
            let next_step = format!("page mode falls back to mprotect; to allow it: {SYSCTL}");
            (
                Finding::limited(WHAT, format!("refused: {error}"), next_step),
                false,
            )
        }
    }
}

/// ECC, by the modules that the memory controllers' drivers describe.
fn look_at_ecc(controllers: &Path) -> (Finding, bool) {
    const WHAT: &str = "ECC memory";
    const NEXT_STEP: &str =
        "load the EDAC driver of the memory controller, or use a machine with ECC";
    let modes = correction_modes(controllers);
    let corrects = |mode: &String| !matches!(mode.as_str(), "None" | "Unknown" | "Reserved");
    if modes.is_empty() {
        let found = "no memory controller reported by EDAC (usual in virtual machines)";
        return (Finding::limited(WHAT, found, NEXT_STEP), false);
    }
    let listed = modes.join(", ");
    if modes.iter().all(corrects) {
        (Finding::good(WHAT, listed), true)
    } else {
        (Finding::limited(WHAT, listed, NEXT_STEP), false)
    }
}

/// The distinct correction modes of all memory modules.
fn correction_modes(controllers: &Path) -> Vec<String> {
    let mut modes: Vec<String> = children(controllers, "mc")
        .iter()
        .flat_map(|controller| {
            ["dimm", "rank", "csrow"]
                .iter()
                .flat_map(|prefix| children(controller, prefix))
        })
        .filter_map(|module| {
            let mode = |name: &str| fs::read_to_string(module.join(name)).ok();
            mode("dimm_edac_mode").or_else(|| mode("edac_mode"))
        })
        .map(|mode| mode.trim().to_owned())
        .collect();
    modes.sort();
    modes.dedup();
    modes
}

fn children(directory: &Path, prefix: &str) -> Vec<std::path::PathBuf> {
    fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|item| {
            item.file_name()
                .as_encoded_bytes()
                .starts_with(prefix.as_bytes())
        })
        .map(|item| item.path())
        .collect()
}

fn yes_or_no(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn controllers(modes: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (number, mode) in modes.iter().enumerate() {
            let module = root.path().join(format!("mc0/dimm{number}"));
            fs::create_dir_all(&module).unwrap();
            fs::write(module.join("dimm_edac_mode"), format!("{mode}\n")).unwrap();
        }
        root
    }

    #[test]
    fn ecc_is_seen_only_when_every_module_corrects() {
        for (modes, has_ecc) in [
            (&["SECDED", "SECDED"][..], true),
            (&["S4ECD4ED"], true),
            (&["SECDED", "None"], false),
            (&["Unknown"], false),
            (&[], false),
        ] {
            let root = controllers(modes);
            assert_eq!(look_at_ecc(root.path()).1, has_ecc, "{modes:?}");
        }
    }
}
