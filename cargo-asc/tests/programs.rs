//! Whole programs without asc-runtime: instrumented, wrapped, linked with the
//! inert archive, they behave as if they were plain.

mod support;

use std::process::Command;

use support::{PROFILE_NAMES, PROFILES, Project, manifest, stdout, succeed};

const EVERYTHING: &str = include_str!("corpus/everything.rs");

/// The linker that rustc takes by default is rust-lld; this is the system's own.
const SYSTEM_LINKER: &str = "-Clinker-features=-lld";

fn everything() -> Project {
    Project::new(&[
        ("Cargo.toml", &manifest("specimen", PROFILES)),
        ("src/main.rs", EVERYTHING),
    ])
}

fn check_everything(rustflags: &str) {
    let project = everything();
    for profile in PROFILE_NAMES {
        let mut run = project.asc(&format!("run --quiet --profile {profile} -- argument"));
        let output = succeed(run.env("RUSTFLAGS", rustflags));
        assert_eq!(stdout(&output), "everything works: argument\n", "{profile}");
    }
}

#[test]
fn everything_works_in_every_profile() {
    check_everything("");
}

#[test]
fn everything_works_with_the_systems_linker() {
    check_everything(SYSTEM_LINKER);
}

#[test]
fn everything_works_for_this_processor() {
    check_everything("-Ctarget-cpu=native");
}

/// The output stands where scripts look for it, and it contains the wrappers.
#[test]
fn the_program_stands_at_its_place() {
    let project = everything();
    succeed(&mut project.asc("build --release --bin specimen"));
    let program = project.built("release", "specimen");
    assert_eq!(
        stdout(&succeed(&mut Command::new(&program))),
        "everything works: \n"
    );
    let bytes = std::fs::read(&program).unwrap();
    let contains = |name: &[u8]| bytes.windows(name.len()).any(|window| window == name);
    assert!(contains(b"__wrap_malloc"));
    assert!(contains(b"__asan_store8"));
}

/// A program may define hooks and wrappers itself, as asc-runtime does: its own
/// definitions count, the archive gives the rest, and nothing is defined twice.
#[test]
fn own_hooks_count_more_than_inert_ones() {
    let project = Project::new(&[
        (
            "Cargo.toml",
            &manifest(
                "specimen",
                &format!("{PROFILES}\n[dependencies]\nhooks = {{ path = 'hooks' }}"),
            ),
        ),
        ("src/main.rs", include_str!("corpus/own_hooks_user.rs")),
        ("hooks/Cargo.toml", &manifest("hooks", "")),
        ("hooks/src/lib.rs", include_str!("corpus/own_hooks.rs")),
    ]);
    for rustflags in ["", SYSTEM_LINKER] {
        for profile in PROFILE_NAMES {
            let mut run = project.asc(&format!("run --quiet --profile {profile}"));
            let output = succeed(run.env("RUSTFLAGS", rustflags));
            assert_eq!(
                stdout(&output),
                "own hooks called\n",
                "{profile} {rustflags}"
            );
        }
    }
}

/// A library that is also a C library has code and bitcode; LTO takes the
/// bitcode, which must have its hooks.
#[test]
fn bitcode_beside_code_has_its_hooks() {
    const LIBRARY: &str = "[lib]\ncrate-type = ['rlib', 'cdylib']";
    let project = Project::new(&[
        (
            "Cargo.toml",
            &manifest(
                "specimen",
                &format!(
                    "{PROFILES}\n[dependencies]\nhooks = {{ path = 'hooks' }}\nboth = {{ path = 'both' }}"
                ),
            ),
        ),
        ("src/main.rs", include_str!("corpus/both_user.rs")),
        ("hooks/Cargo.toml", &manifest("hooks", "")),
        ("hooks/src/lib.rs", include_str!("corpus/own_hooks.rs")),
        ("both/Cargo.toml", &manifest("both", LIBRARY)),
        (
            "both/src/lib.rs",
            "#[inline(never)]\npub fn assign(to: &mut u64) {\n    *to = 5;\n}\n",
        ),
    ]);
    let output = succeed(&mut project.asc("run --quiet --profile fat"));
    assert_eq!(stdout(&output), "1 hook called\n");
}

#[test]
fn tests_examples_and_doctests_are_hardened() {
    let project = Project::new(&[
        (
            "src/lib.rs",
            "//! ```\n//! assert!(cfg!(asc));\n//! assert_eq!(specimen::sum(&[1, 2]), 3);\n//! ```\n\
             pub fn sum(numbers: &[u32]) -> u32 {\n    numbers.iter().sum()\n}\n\
             #[test]\nfn unit() {\n    assert!(cfg!(asc));\n    assert_eq!(sum(&[4]), 4);\n}\n",
        ),
        (
            "tests/whole.rs",
            "#[test]\nfn whole() {\n    assert!(cfg!(asc));\n}\n",
        ),
        (
            "examples/small.rs",
            "fn main() {\n    assert!(cfg!(asc));\n    println!(\"small\");\n}\n",
        ),
    ]);
    let output = stdout(&succeed(&mut project.asc("test")));
    for name in [
        "test unit ... ok",
        "test whole ... ok",
        "src/lib.rs - (line 1) ... ok",
    ] {
        assert!(output.contains(name), "{name}: {output}");
    }
    let output = succeed(&mut project.asc("run --quiet --example small"));
    assert_eq!(stdout(&output), "small\n");
    succeed(&mut project.asc("check --all-targets"));
}

/// The C library carries its own hooks and can be loaded by anyone.
#[test]
fn a_c_library_needs_nothing_from_its_user() {
    let project = Project::new(&[
        (
            "Cargo.toml",
            &manifest("specimen", "[lib]\ncrate-type = ['cdylib']"),
        ),
        (
            "src/lib.rs",
            "#[unsafe(no_mangle)]\npub extern \"C\" fn length() -> usize {\n    format!(\"{:?}\", vec![1, 2]).len()\n}\n",
        ),
        (
            "main.c",
            "#include <stdio.h>\nsize_t length(void);\nint main(void) { printf(\"%zu\\n\", length()); }\n",
        ),
    ]);
    succeed(&mut project.asc("build --release"));
    let library = project.built("release", "libspecimen.so");
    let program = project.path("main");
    succeed(
        Command::new("cc")
            .arg(project.path("main.c"))
            .arg(&library)
            .arg("-o")
            .arg(&program),
    );
    let directory = library.parent().unwrap();
    let output = succeed(Command::new(&program).env("LD_LIBRARY_PATH", directory));
    assert_eq!(stdout(&output), "6\n");
}
