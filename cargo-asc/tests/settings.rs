//! What belongs to the user stays the user's: flags, wrappers, configuration,
//! build scripts and proc macros.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use support::{PROFILES, Project, TARGET, cargo_asc, manifest, stdout, succeed, wrapped_rustc};

const HELLO: &str = "fn main() {\n    println!(\"hello\");\n}\n";

/// A rustc wrapper that writes down each crate it is called for.
fn recording_wrapper(project: &Project) -> PathBuf {
    let wrapper = project.path("tools/recorder");
    project.write(
        "tools/recorder",
        "#!/bin/sh\necho \"$@\" >> \"$RECORD\"\nexec \"$@\"\n",
    );
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
    wrapper
}

fn record(project: &Project) -> String {
    fs::read_to_string(project.path("record")).unwrap_or_default()
}

#[test]
fn rustflags_stay_in_force() {
    const SOURCE: &str = "fn main() {\n    println!(\"{} {}\", cfg!(mine), cfg!(asc));\n}\n";
    let project = Project::new(&[("src/main.rs", SOURCE)]);
    let by_variable = || {
        let mut run = project.asc("run --quiet");
        run.env("RUSTFLAGS", "--cfg mine --check-cfg cfg(mine)");
        run
    };
    assert_eq!(stdout(&succeed(&mut by_variable())), "true true\n");
    assert_eq!(
        stdout(&succeed(&mut project.asc("run --quiet"))),
        "false true\n"
    );
    project.write(
        ".cargo/config.toml",
        "[build]\nrustflags = ['--cfg', 'mine', '--check-cfg', 'cfg(mine)']\n",
    );
    assert_eq!(
        stdout(&succeed(&mut project.asc("run --quiet"))),
        "true true\n"
    );
}

#[test]
fn the_users_own_passes_run_too() {
    let project = Project::new(&[("src/main.rs", HELLO)]);
    let mut build = project.asc("build --verbose");
    let output = succeed(build.env("RUSTFLAGS", "-Cpasses=mergefunc"));
    assert!(support::stderr(&output).contains("-Cpasses=mergefunc"));
    let assembly = project.path("main.ll");
    succeed(
        wrapped_rustc()
            .args([
                "--target",
                TARGET,
                "--emit=llvm-ir",
                "-Cpasses=mergefunc",
                "-o",
            ])
            .args([&assembly, &project.path("src/main.rs")]),
    );
    assert!(
        fs::read_to_string(assembly)
            .unwrap()
            .contains("__asan_store")
    );
}

#[test]
fn a_wrapper_in_the_environment_is_chained() {
    let project = Project::new(&[("src/main.rs", HELLO)]);
    let wrapper = recording_wrapper(&project);
    let mut run = project.asc("run --quiet");
    run.env("RUSTC_WRAPPER", wrapper)
        .env("RECORD", project.path("record"));
    assert_eq!(stdout(&succeed(&mut run)), "hello\n");
    let record = record(&project);
    let compilation = record
        .lines()
        .find(|line| line.contains("--crate-name specimen"))
        .unwrap();
    assert!(
        compilation.contains("-Cpasses=forceattrs,function(tsan,atomic-expand,tsan),asan"),
        "{compilation}"
    );
    assert!(
        compilation.split(' ').next().unwrap().ends_with("rustc"),
        "{compilation}"
    );
}

#[test]
fn a_wrapper_in_a_configuration_file_is_chained() {
    let project = Project::new(&[("src/main.rs", HELLO)]);
    recording_wrapper(&project);
    project.write(
        ".cargo/config.toml",
        "[build]\nrustc-wrapper = 'tools/recorder'\n",
    );
    let mut run = project.asc("run --quiet");
    assert_eq!(
        stdout(&succeed(run.env("RECORD", project.path("record")))),
        "hello\n"
    );
    assert!(record(&project).contains("--crate-name specimen"));
}

#[test]
fn build_scripts_and_proc_macros_stay_plain() {
    let project = Project::new(&[
        (
            "Cargo.toml",
            &manifest(
                "specimen",
                &format!("{PROFILES}\n[dependencies]\nplain = {{ path = 'plain' }}"),
            ),
        ),
        (
            "src/main.rs",
            "fn main() {\n    println!(\"{} {}\", plain::is_hardened!(), env!(\"SCRIPT\"));\n}\n",
        ),
        (
            "build.rs",
            "fn main() {\n    println!(\"cargo::rustc-env=SCRIPT={} {}\", cfg!(asc),\n        \
             std::env::var_os(\"CARGO_CFG_ASC\").is_some());\n}\n",
        ),
        (
            "plain/Cargo.toml",
            &manifest("plain", "[lib]\nproc-macro = true"),
        ),
        (
            "plain/src/lib.rs",
            "use proc_macro::TokenStream;\n#[proc_macro]\npub fn is_hardened(_: TokenStream) -> TokenStream {\n    \
             if cfg!(asc) { \"true\" } else { \"false\" }.parse().unwrap()\n}\n",
        ),
    ]);
    let output = succeed(&mut project.asc("run --quiet --profile fat"));
    // The script is plain, and it knows that it works for a hardened build.
    assert_eq!(stdout(&output), "false false true\n");
    for directory in ["target/asc/fat/build", "target/asc/fat/deps"] {
        for file in fs::read_dir(project.path(directory))
            .unwrap()
            .map(|item| item.unwrap().path())
        {
            let files = if file.is_dir() {
                fs::read_dir(file)
                    .unwrap()
                    .map(|item| item.unwrap().path())
                    .collect()
            } else {
                vec![file]
            };
            for file in files.iter().filter(|file| file.is_file()) {
                let bytes = fs::read(file).unwrap();
                let has_hooks = bytes.windows(12).any(|window| window == b"__asan_store");
                assert!(!has_hooks, "{}", file.display());
            }
        }
    }
}

/// cargo builds again when the text changes, so it must say which pipeline it is.
#[test]
fn the_version_text_names_the_pipeline() {
    let plain = stdout(&succeed(std::process::Command::new("rustc").arg("-vV")));
    let wrapped = stdout(&succeed(wrapped_rustc().arg("-vV")));
    let line = wrapped.strip_prefix(&plain).unwrap();
    let fingerprint = line.strip_prefix("asc-pipeline: ").unwrap().trim_end();
    assert_eq!(fingerprint.len(), 16, "{line}");
}

/// A plain build and a hardened one live beside each other.
#[test]
fn plain_and_hardened_builds_do_not_disturb_each_other() {
    let project = Project::new(&[("src/main.rs", HELLO)]);
    succeed(&mut project.asc("build"));
    let mut plain = std::process::Command::new("cargo");
    plain
        .current_dir(project.path(""))
        .args(["build", "--quiet"]);
    succeed(
        plain
            .env_remove("RUSTC_WRAPPER")
            .env_remove("RUSTDOC")
            .env_remove("CARGO_TARGET_DIR"),
    );
    assert!(project.path("target/debug/specimen").is_file());
    let output = support::stderr(&succeed(&mut project.asc("build")));
    assert!(!output.contains("Compiling"), "{output}");
    succeed(&mut project.asc("clean"));
    assert!(!project.path("target/asc").exists());
    assert!(project.path("target/debug/specimen").is_file());
}

#[test]
fn the_target_directory_can_be_chosen() {
    let project = Project::new(&[("src/main.rs", HELLO)]);
    let elsewhere = project.path("elsewhere");
    succeed(project.asc("build").env("CARGO_TARGET_DIR", &elsewhere));
    assert!(
        elsewhere
            .join("asc")
            .join(TARGET)
            .join("debug/specimen")
            .is_file()
    );
    succeed(&mut project.asc("build --target-dir third"));
    assert!(
        project
            .path("third/asc")
            .join(TARGET)
            .join("debug/specimen")
            .is_file()
    );
}

#[test]
fn help_names_the_exit_statuses() {
    let help = stdout(&succeed(cargo_asc().args(["asc", "--help"])));
    for part in ["build", "doctor", "sysroot", "ASC_CACHE_DIR", "80", "85"] {
        assert!(help.contains(part), "{part}: {help}");
    }
}

#[test]
fn the_doctor_reports_as_a_table_and_as_json() {
    let table = stdout(&succeed(cargo_asc().args(["asc", "doctor"])));
    for what in [
        "LLVM",
        "rust-lld",
        "userfaultfd",
        "ECC memory",
        "hardened (word level)",
    ] {
        assert!(table.contains(what), "{what}: {table}");
    }
    let json = stdout(&succeed(cargo_asc().args(["asc", "doctor", "--json"])));
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["hardened_builds_work"], true);
    assert_eq!(report["modes"][0]["verdict"], "good");
}
