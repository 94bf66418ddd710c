//! What cannot work is refused early: exit status, what was found, what to do.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use support::{Project, TARGET, cargo_asc, fail_with, manifest, succeed};

const HELLO: &str = "fn main() {\n    println!(\"hello\");\n}\n";

fn hello() -> Project {
    Project::new(&[("src/main.rs", HELLO)])
}

#[test]
fn another_target_is_refused() {
    let message = fail_with(&mut hello().asc("build --target wasm32-wasip1"), 80);
    assert!(message.contains("wasm32-wasip1 in --target"), "{message}");
    assert!(message.contains("leave --target out"), "{message}");
    succeed(&mut hello().asc(&format!("build --target {TARGET}")));
}

#[test]
fn another_target_in_the_configuration_is_refused() {
    let project = hello();
    project.write(".cargo/config.toml", "[build]\ntarget = 'wasm32-wasip1'\n");
    let message = fail_with(&mut project.asc("build"), 80);
    assert!(message.contains("build.target"), "{message}");
    succeed(&mut project.asc(&format!("build --target {TARGET}")));
}

#[test]
fn the_dynamic_standard_library_is_refused() {
    let project = hello();
    let mut build = project.asc("build");
    let output = build.env("RUSTFLAGS", "-Cprefer-dynamic").output().unwrap();
    assert!(!output.status.success());
    let message = support::stderr(&output);
    assert!(message.contains("exit status 84"), "{message}");
    assert!(message.contains("remove -Cprefer-dynamic"), "{message}");
}

#[test]
fn a_static_libc_is_refused() {
    let project = hello();
    let mut build = project.asc("build");
    let output = build
        .env("RUSTFLAGS", "-Ctarget-feature=+crt-static")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let message = support::stderr(&output);
    assert!(message.contains("exit status 84"), "{message}");
    assert!(message.contains("remove +crt-static"), "{message}");
}

/// A shared library with handlers, its own or those of a dependency of a dependency. The runtime
/// here is a stand-in: the refusal comes before anything of it is needed.
#[test]
fn a_c_library_with_the_runtime_inside_is_refused() {
    let library = |dependency: &str| {
        let rest = format!(
            "[lib]\ncrate-type = ['cdylib']\n[dependencies]\n{dependency} = {{ path = '{dependency}' }}"
        );
        Project::new(&[
            ("Cargo.toml", &manifest("specimen", &rest)),
            ("src/lib.rs", ""),
            (
                "between/Cargo.toml",
                &manifest(
                    "between",
                    "[dependencies]\nasc-runtime = { path = '../asc-runtime' }",
                ),
            ),
            ("between/src/lib.rs", ""),
            ("asc-runtime/Cargo.toml", &manifest("asc-runtime", "")),
            ("asc-runtime/src/lib.rs", ""),
        ])
    };
    for (dependency, name) in [("asc-runtime", "`asc_runtime`"), ("between", "`between`")] {
        let project = library(dependency);
        // Also when all but the library is there already.
        for _ in 0..2 {
            let message = fail_with(&mut project.asc("build"), 101);
            assert!(message.contains("exit status 84"), "{message}");
            assert!(message.contains(name), "{message}");
            assert!(message.contains("into an executable"), "{message}");
        }
    }
}

#[test]
fn another_sysroot_is_refused() {
    let project = hello();
    let mut build = project.asc("build");
    let output = build
        .env("RUSTFLAGS", "--sysroot=/elsewhere")
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(support::stderr(&output).contains("--sysroot /elsewhere"));
}

#[test]
fn a_directory_without_a_package_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut build = cargo_asc();
    build.current_dir(directory.path()).args(["asc", "build"]);
    let message = fail_with(&mut build, 85);
    assert!(message.contains("Cargo.toml"), "{message}");
    assert!(message.contains("--manifest-path"), "{message}");
}

#[test]
fn cargos_own_failure_keeps_its_exit_status() {
    let project = Project::new(&[("src/main.rs", "fn main() { not Rust }\n")]);
    fail_with(&mut project.asc("build"), 101);
    let project = Project::new(&[(
        "src/main.rs",
        "fn main() {\n    std::process::exit(7);\n}\n",
    )]);
    fail_with(&mut project.asc("run"), 7);
}

/// A toolchain that answers as told and has a sysroot of its own.
struct Toolchain {
    directory: tempfile::TempDir,
}

impl Toolchain {
    fn new(host: &str, llvm_of_rustc: &str, llvm_of_linker: Option<&str>) -> Self {
        let toolchain = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        let sysroot = toolchain.directory.path().join("sysroot");
        let of_target = sysroot.join("lib/rustlib").join(TARGET);
        fs::create_dir_all(of_target.join("lib")).unwrap();
        fs::create_dir_all(of_target.join("bin")).unwrap();
        toolchain.script(
            "rustc",
            &format!(
                "case \"$*\" in\n'-vV') printf 'rustc 1.0\\nhost: {host}\\nrelease: 1.0\\nLLVM version: {llvm_of_rustc}\\n';;\n\
                 *sysroot*) echo '{}';;\nesac",
                sysroot.display()
            ),
        );
        if let Some(version) = llvm_of_linker {
            toolchain.script(
                &format!("sysroot/lib/rustlib/{TARGET}/bin/rust-lld"),
                &format!("echo 'LLD {version} (compatible with GNU linkers)'"),
            );
        }
        toolchain
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn script(&self, name: &str, text: &str) {
        fs::write(self.path(name), format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Puts a library of the real toolchain into the sysroot.
    fn add_library(&self, path: &Path) {
        let libraries = self.path("sysroot/lib/rustlib").join(TARGET).join("lib");
        symlink(path, libraries.join(path.file_name().unwrap())).unwrap();
    }

    fn refusal(&self, status: i32) -> String {
        let mut command = cargo_asc();
        command
            .env("RUSTC", self.path("rustc"))
            .env("ASC_CACHE_DIR", self.path("cache"));
        fail_with(command.args(["asc", "sysroot"]), status)
    }
}

#[test]
fn another_host_is_refused() {
    let message = Toolchain::new("aarch64-apple-darwin", "22.1.2", None).refusal(80);
    assert!(message.contains("aarch64-apple-darwin"), "{message}");
    assert!(message.contains("rustup toolchain install"), "{message}");
}

#[test]
fn a_toolchain_without_rust_lld_is_refused() {
    let message = Toolchain::new(TARGET, "22.1.2", None).refusal(81);
    assert!(message.contains("rust-lld"), "{message}");
    assert!(
        message.contains("rustup toolchain install stable"),
        "{message}"
    );
}

#[test]
fn two_versions_of_llvm_are_refused() {
    let message = Toolchain::new(TARGET, "22.1.2", Some("21.0.0")).refusal(81);
    assert!(
        message.contains("22.1.2") && message.contains("21.0.0"),
        "{message}"
    );
}

#[test]
fn a_standard_library_without_bitcode_is_refused() {
    let toolchain = Toolchain::new(TARGET, "22.1.2", Some("22.1.2"));
    let message = toolchain.refusal(81);
    assert!(message.contains("bitcode"), "{message}");
    // An archive with code and nothing else.
    let source = toolchain.path("code.rs");
    fs::write(&source, "pub fn f() {}\n").unwrap();
    let library = toolchain.path("libcode.rlib");
    succeed(
        std::process::Command::new("rustc")
            .args(["--crate-type=rlib", "-Cembed-bitcode=no", "-o"])
            .args([&library, &source]),
    );
    toolchain.add_library(&library);
    let message = toolchain.refusal(81);
    assert!(message.contains("no .llvmbc section"), "{message}");
    assert!(message.contains("libcode.rlib"), "{message}");
}

/// Instrumentation that does nothing must not go unnoticed: the linker of this
/// toolchain does not work.
#[test]
fn a_linker_that_fails_is_reported() {
    let toolchain = Toolchain::new(TARGET, "22.1.2", Some("22.1.2"));
    let source = toolchain.path("code.rs");
    fs::write(&source, "pub fn f() {}\n").unwrap();
    let library = toolchain.path("libcode.rlib");
    succeed(
        std::process::Command::new("rustc")
            .args(["--crate-type=rlib", "-Cembed-bitcode=yes", "-o"])
            .args([&library, &source]),
    );
    toolchain.add_library(&library);
    toolchain.script(
        &format!("sysroot/lib/rustlib/{TARGET}/bin/rust-lld"),
        "case \"$*\" in\n*--version*) echo 'LLD 22.1.2';;\n*) echo 'broken linker' >&2; exit 1;;\nesac",
    );
    let message = toolchain.refusal(82);
    assert!(message.contains("broken linker"), "{message}");
}
