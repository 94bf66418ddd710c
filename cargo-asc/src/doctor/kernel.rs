//! The kernel: can it call a signal handler whose stack the thread may not write to?
//!
//! Page mode closes all ordinary memory to a handler, its thread's signal stack with it.

use std::fs;

use super::finding::Finding;

const RELEASE: &str = "/proc/sys/kernel/osrelease";
/// The first that can: major and minor version.
const FIRST: (u32, u32) = (6, 12);

/// What the kernel offers.
pub(super) struct Kernel {
    pub(super) findings: Vec<Finding>,
    /// Whether signals arrive while ordinary memory is closed.
    pub(super) reaches_closed_stacks: bool,
}

/// Looks at the kernel's version.
pub(super) fn look() -> Kernel {
    of_release(fs::read_to_string(RELEASE).unwrap_or_default().trim())
}

fn of_release(release: &str) -> Kernel {
    const WHAT: &str = "kernel";
    let reaches_closed_stacks = version(release).is_some_and(|version| version >= FIRST);
    let finding = if reaches_closed_stacks {
        Finding::good(WHAT, release)
    } else {
        let (major, minor) = FIRST;
        Finding::limited(
            WHAT,
            release,
            format!(
                "Linux {major}.{minor} or newer lets page mode see every store; word level does without"
            ),
        )
    };
    Kernel {
        findings: vec![finding],
        reaches_closed_stacks,
    }
}

/// Major and minor version.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|character: char| !character.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for (release, reaches) in [
            ("6.12.0", true),
            ("6.18.44-fc", true),
            ("10.1", true),
            ("6.2.0-generic", false),
            ("5.15.0", false),
            ("6", false),
            ("", false),
        ] {
            assert_eq!(
                of_release(release).reaches_closed_stacks,
                reaches,
                "{release}"
            );
        }
    }
}
