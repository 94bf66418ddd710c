//! The expansion serves crates of older editions: builds and runs `editions/program.rs` as a
//! package of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn edition_2018() {
    build_and_run("2018");
}

#[test]
fn edition_2021() {
    build_and_run("2021");
}

fn build_and_run(edition: &str) {
    let macros = Path::new(env!("CARGO_MANIFEST_DIR"));
    let builds = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let package = builds.join(format!("edition_{edition}"));
    fs::create_dir_all(&package).unwrap();
    fs::write(package.join("Cargo.toml"), manifest(edition, macros)).unwrap();
    // The versions of the workspace, so that nothing has to be downloaded.
    fs::copy(macros.join("../Cargo.lock"), package.join("Cargo.lock")).unwrap();

    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline"])
        .current_dir(&package)
        .env("CARGO_TARGET_DIR", builds.join("editions"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn manifest(edition: &str, macros: &Path) -> String {
    format!(
        "[package]
name = \"edition-{edition}\"
edition = \"{edition}\"

[workspace]

[[bin]]
name = \"edition-{edition}\"
path = '{program}'

[dependencies]
asc-macros = {{ path = '{macros}' }}
",
        program = macros.join("tests/editions/program.rs").display(),
        macros = macros.display(),
    )
}
