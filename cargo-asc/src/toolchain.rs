//! The Rust toolchain that cargo will use, and whether it can be hardened.
//!
//! 1. Find rustc as cargo does: `RUSTC`, `build.rustc`, else `rustc`.
//! 2. Ask it for its version and its sysroot.
//! 3. Refuse what cannot work before anything is built: another host, no
//!    rust-lld, or a rust-lld with another LLVM (its bitcode would not fit).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fingerprint::Fingerprint;
use crate::refusal::{Cause, Refusal};

/// The only target of hardened builds.
pub(crate) const TARGET: &str = "x86_64-unknown-linux-gnu";

/// A toolchain that can build hardened programs.
#[derive(Debug)]
pub(crate) struct Toolchain {
    pub(crate) rustc: PathBuf,
    pub(crate) rust_lld: PathBuf,
    pub(crate) sysroot: PathBuf,
    pub(crate) release: String,
    pub(crate) commit: String,
    pub(crate) llvm_version: String,
    verbose_version: String,
}

impl Toolchain {
    /// Finds and checks the toolchain behind the program `rustc`.
    pub(crate) fn find(rustc: OsString) -> Result<Self, Refusal> {
        let rustc = PathBuf::from(rustc);
        let verbose_version = output_of(&rustc, &["-vV"])?;
        let sysroot = PathBuf::from(output_of(&rustc, &["--print", "sysroot"])?.trim());
        let field = |name: &str| version_field(&verbose_version, name).unwrap_or_default();
        check_host(&field("host"))?;
        let llvm_version = field("LLVM version");
        let rust_lld = sysroot
            .join("lib/rustlib")
            .join(TARGET)
            .join("bin/rust-lld");
        check_rust_lld(&rust_lld, &llvm_version)?;
        Ok(Self {
            rust_lld,
            release: field("release"),
            commit: field("commit-hash"),
            llvm_version,
            rustc,
            sysroot,
            verbose_version,
        })
    }

    /// The directory with the rlibs of the target's standard library.
    pub(crate) fn library_directory(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib").join(TARGET).join("lib")
    }

    /// Names this toolchain: its version, its place and its standard library.
    pub(crate) fn fingerprint(&self) -> Result<String, Refusal> {
        let mut fingerprint = Fingerprint::new();
        fingerprint.add(self.verbose_version.as_bytes());
        fingerprint.add(self.sysroot.as_os_str().as_encoded_bytes());
        let mut names = crate::sysroot::layout::file_names(&self.library_directory())?;
        names.sort();
        for name in names {
            fingerprint.add(name.as_encoded_bytes());
        }
        Ok(fingerprint.finish())
    }
}

/// The value of one line (`name: value`) of `rustc -vV`.
fn version_field(verbose_version: &str, name: &str) -> Option<String> {
    verbose_version
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .map(str::to_owned)
}

fn check_host(host: &str) -> Result<(), Refusal> {
    if host == TARGET {
        return Ok(());
    }
    Err(Refusal::new(
        Cause::UnsupportedTarget,
        format!("a toolchain whose host is {TARGET}"),
        format!("host {host}"),
        format!("use x86-64 Linux with glibc and run: rustup toolchain install stable-{TARGET}"),
    ))
}

fn check_rust_lld(rust_lld: &Path, llvm_version: &str) -> Result<(), Refusal> {
    let unsuitable = |found: String| {
        Refusal::new(
            Cause::UnsuitableToolchain,
            format!("a rust-lld with LLVM {llvm_version}, the version inside rustc"),
            found,
            "use a toolchain from rustup: rustup toolchain install stable && rustup default stable",
        )
    };
    if !rust_lld.exists() {
        return Err(unsuitable(format!("no file {}", rust_lld.display())));
    }
    let version = output_of(rust_lld, &["-flavor", "gnu", "--version"])?;
    // «LLD 22.1.2 (…)»
    match version.split_whitespace().nth(1) {
        Some(found) if found == llvm_version => Ok(()),
        _ => Err(unsuitable(version.trim().to_owned())),
    }
}

/// What `program` prints; a refusal when it fails.
pub(crate) fn output_of(program: &Path, arguments: &[&str]) -> Result<String, Refusal> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| Refusal::program(program, &error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(Refusal::new(
        Cause::Environment,
        format!(
            "an answer from: {} {}",
            program.display(),
            arguments.join(" ")
        ),
        format!(
            "{}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ),
        "mend the toolchain: rustup toolchain install stable",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_verbose_version_are_found() {
        let text = "rustc 1.95.0\nhost: x86_64-unknown-linux-gnu\nLLVM version: 22.1.2\n";
        assert_eq!(
            version_field(text, "LLVM version").as_deref(),
            Some("22.1.2")
        );
        assert_eq!(version_field(text, "commit-hash"), None);
    }

    #[test]
    fn another_host_is_refused_with_its_exit_status() {
        let refusal = check_host("aarch64-apple-darwin").unwrap_err();
        assert_eq!(refusal.exit_status(), 80);
        assert!(refusal.to_string().contains("aarch64-apple-darwin"));
    }
}
