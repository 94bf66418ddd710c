//! The toolchain: does it have what hardened builds need?

use std::path::Path;

use super::finding::Finding;
use crate::cargo;
use crate::integrity::Integrity;
use crate::refusal::Refusal;
use crate::sysroot::{self, State, Sysroot};
use crate::toolchain::{TARGET, Toolchain, output_of};

/// Looks at everything a hardened build uses.
pub(super) fn look() -> Vec<Finding> {
    let mut findings = match cargo::rustc().and_then(Toolchain::find) {
        Ok(toolchain) => of(&toolchain),
        Err(refusal) => vec![refused("toolchain", &refusal)],
    };
    findings.push(linker());
    findings
}

fn of(toolchain: &Toolchain) -> Vec<Finding> {
    vec![
        Finding::good(
            "toolchain",
            format!(
                "rustc {} for {TARGET} ({})",
                toolchain.release,
                toolchain.sysroot.display()
            ),
        ),
        Finding::good(
            "LLVM",
            format!("{} in rustc and in rust-lld", toolchain.llvm_version),
        ),
        Finding::good("rust-lld", toolchain.rust_lld.display().to_string()),
        bitcode(toolchain),
        sysroot(toolchain),
    ]
}

fn bitcode(toolchain: &Toolchain) -> Finding {
    match sysroot::count_bitcode(toolchain) {
        Ok(count) => Finding::good(
            "bitcode in the standard library",
            format!("{count} objects, all with bitcode"),
        ),
        Err(refusal) => refused("bitcode in the standard library", &refusal),
    }
}

fn sysroot(toolchain: &Toolchain) -> Finding {
    const WHAT: &str = "instrumented standard library";
    match Integrity::of_environment().and_then(|integrity| Sysroot::look(toolchain, integrity)) {
        Ok((entry, State::Sound)) => Finding::good(WHAT, format!("sound ({})", entry.display())),
        Ok((_, State::Absent)) => Finding::limited(
            WHAT,
            "not built yet",
            "nothing; the first build makes it in some seconds (or: cargo asc sysroot)",
        ),
        Ok((_, State::Damaged(what))) => Finding::limited(
            WHAT,
            format!("damaged: {what}"),
            "nothing; the next build makes it again (or: cargo asc sysroot)",
        ),
        Err(refusal) => refused(WHAT, &refusal),
    }
}

fn linker() -> Finding {
    match output_of(Path::new("cc"), &["--version"]) {
        Ok(version) => Finding::good(
            "linker driver",
            version.lines().next().unwrap_or("cc").to_owned(),
        ),
        Err(_) => Finding::missing(
            "linker driver",
            "cc does not run",
            "install a C compiler, for instance: apt install gcc libc6-dev",
        ),
    }
}

fn refused(what: &'static str, refusal: &Refusal) -> Finding {
    Finding::missing(what, refusal.found(), refusal.next_step())
}
