//! `cargo install`, and a project outside of the checkout that uses what was installed.
//!
//! The other tests call the program by its path, in projects without handlers. Here cargo itself
//! finds it as a subcommand, and the project's handlers run twice, with the user's own flags,
//! wrapper, runner and configuration in force.

mod support;

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Project, TARGET, clean_environment, manifest, stdout, succeed};

const LIBRARY: &str = r#"//! Counts votes.
use asc_runtime::asc_handler;

/// One vote more.
///
/// ```
/// assert_eq!(outside::vote(&mut 1), 2);
/// assert_eq!(asc_runtime::statistics().runs, 2);
/// ```
#[asc_handler]
pub fn vote(votes: &mut u64) -> u64 {
    *votes += 1;
    *votes
}

#[test]
fn a_vote_counts() {
    assert_eq!(vote(&mut 1), 2);
    assert_eq!(asc_runtime::statistics().runs, 2);
}
"#;

const PROGRAM: &str = r#"fn main() {
    let mut votes = 0;
    while outside::vote(&mut votes) < 3 {}
    let mode = asc_runtime::mode().name();
    println!("{votes} {mode} {} mine={}", asc_runtime::statistics().runs, cfg!(mine));
}
"#;

/// Flags, a linker and a runner for the target.
const CONFIGURATION: &str = r#"
[target.x86_64-unknown-linux-gnu]
rustflags = ["--cfg", "mine", "-Ctarget-feature=+sse4.2"]
linker = "tools/linker"
runner = "tools/runner"
"#;

const RUNNER: &str = "#!/bin/sh\necho runner >> \"$RECORD\"\nexec \"$@\"\n";
const LINKER: &str = "#!/bin/sh\necho linker >> \"$RECORD\"\nexec cc \"$@\"\n";
const WRAPPER: &str = "#!/bin/sh\necho wrapper >> \"$RECORD\"\nexec \"$@\"\n";

/// The checkout that this test belongs to.
fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Installs the package as a user does, unoptimised; returns the directory of its program.
fn install(root: &Path) -> PathBuf {
    let mut install = Command::new("cargo");
    clean_environment(&mut install);
    install
        .args(["install", "--quiet", "--debug", "--locked", "--offline"])
        .arg("--path")
        .arg(env!("CARGO_MANIFEST_DIR"))
        .arg("--root")
        .arg(root)
        // What another run of this test has compiled is used again.
        .env("CARGO_TARGET_DIR", env!("CARGO_TARGET_TMPDIR"));
    succeed(&mut install);
    root.join("bin")
}

/// A package with handlers, the same dependencies as in the checkout, and its owner's tools.
fn outside() -> Project {
    let runtime = checkout().join("asc-runtime");
    let dependency = format!(
        "[dependencies]\nasc-runtime = {{ path = '{}' }}\n[lints.rust]\n\
         unexpected_cfgs = {{ level = 'allow', check-cfg = ['cfg(mine)'] }}",
        runtime.display()
    );
    let project = Project::new(&[
        ("Cargo.toml", &manifest("outside", &dependency)),
        ("src/lib.rs", LIBRARY),
        ("src/main.rs", PROGRAM),
        (".cargo/config.toml", CONFIGURATION),
        ("tools/runner", RUNNER),
        ("tools/linker", LINKER),
        ("tools/wrapper", WRAPPER),
    ]);
    for tool in ["runner", "linker", "wrapper"] {
        let tool = project.path("tools").join(tool);
        fs::set_permissions(tool, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::copy(checkout().join("Cargo.lock"), project.path("Cargo.lock")).unwrap();
    project
}

/// `cargo asc <line>` in the project, with the installed program first on PATH.
fn cargo(project: &Project, programs: &Path, line: &str) -> Command {
    let mut command = Command::new("cargo");
    clean_environment(&mut command);
    let mut path = programs.as_os_str().to_owned();
    path.push(":");
    path.push(env::var_os("PATH").unwrap());
    command
        .current_dir(project.path(""))
        .env("PATH", path)
        .env("CARGO_NET_OFFLINE", "true")
        .env("RECORD", project.path("record"))
        .arg("asc")
        .args(line.split_whitespace());
    command
}

#[test]
fn a_project_elsewhere_uses_the_installed_program() {
    let root = tempfile::tempdir().unwrap();
    let programs = install(root.path());
    let project = outside();
    let mut run = cargo(&project, &programs, "run --quiet --release");
    run.env("RUSTC_WRAPPER", project.path("tools/wrapper"));
    assert_eq!(stdout(&succeed(&mut run)), "3 hardened 6 mine=true\n");
    let record = fs::read_to_string(project.path("record")).unwrap();
    for tool in ["runner", "linker", "wrapper"] {
        assert!(record.lines().any(|line| line == tool), "{tool}: {record}");
    }
    let built = project
        .path("target/asc")
        .join(TARGET)
        .join("release/outside");
    assert!(built.is_file());

    // The variable takes the place of the flags in the file, as with plain cargo.
    let mut run = cargo(&project, &programs, "run --quiet --release");
    run.env("RUSTFLAGS", "-Cforce-frame-pointers=yes");
    assert_eq!(stdout(&succeed(&mut run)), "3 hardened 6 mine=false\n");

    let tested = stdout(&succeed(&mut cargo(&project, &programs, "test")));
    assert_eq!(tested.matches("1 passed").count(), 2, "{tested}");
    succeed(&mut cargo(&project, &programs, "clean"));
    assert!(!project.path("target/asc").exists());
}
