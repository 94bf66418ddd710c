//! What protects the state of a hardened program while it rests.
//!
//! With ECC memory the hardware does, and reads need no hook. On machines
//! without it a program can be built with line codes: then reads are hooked
//! too, so such a program has a standard library, a runtime and a target
//! directory of its own.

use std::env;
use std::ffi::OsStr;

use crate::refusal::{Cause, Refusal};

/// The setting of a build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Integrity {
    /// The hardware protects memory.
    #[default]
    Ecc,
    /// A CRC32C per line of the protected heap.
    Crc,
}

/// The environment variable that chooses where no option does.
pub(crate) const VARIABLE: &str = "ASC_INTEGRITY";

impl Integrity {
    /// The choice of `--integrity`, else of [`VARIABLE`], else ECC.
    pub(crate) fn chosen(option: Option<&OsStr>) -> Result<Self, Refusal> {
        match option {
            Some(value) => Self::parse("--integrity", value),
            None => Self::of_environment(),
        }
    }

    /// The choice of [`VARIABLE`], else ECC.
    pub(crate) fn of_environment() -> Result<Self, Refusal> {
        match env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
            Some(value) => Self::parse(VARIABLE, &value),
            None => Ok(Self::default()),
        }
    }

    /// The name that is chosen by.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ecc => "ecc",
            Self::Crc => "crc",
        }
    }

    /// The directory of such builds within the target directory.
    pub(crate) const fn directory(self) -> &'static str {
        match self {
            Self::Ecc => "asc",
            Self::Crc => "asc-crc",
        }
    }

    pub(crate) fn parse(setting: &str, value: &OsStr) -> Result<Self, Refusal> {
        [Self::Ecc, Self::Crc]
            .into_iter()
            .find(|integrity| value == integrity.name())
            .ok_or_else(|| {
                Refusal::new(
                    Cause::ConflictingSetting,
                    format!("`ecc` or `crc` for {setting}"),
                    format!("`{}`", value.to_string_lossy()),
                    "ecc trusts the memory; crc keeps a code for each line of the protected heap",
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_names_are_read_and_others_refused() {
        for integrity in [Integrity::Ecc, Integrity::Crc] {
            let read = Integrity::chosen(Some(integrity.name().as_ref())).unwrap();
            assert_eq!(read, integrity);
        }
        for wrong in ["", "ECC", "crc32", "none"] {
            let refusal = Integrity::chosen(Some(wrong.as_ref())).unwrap_err();
            assert_eq!(refusal.exit_status(), 84);
            assert!(refusal.to_string().contains("--integrity"), "{refusal}");
        }
    }
}
