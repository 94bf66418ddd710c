//! Tries a new sysroot before anyone else does.
//!
//! 1. Compile a small program to an object, as the rustc wrapper would: it
//!    must call the hooks, else the passes did not run.
//! 2. Link it and run it: it must print the right sum, else the instrumented
//!    standard library or the inert archive is broken.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use object::{Object as _, ObjectSymbol as _};

use super::Sysroot;
use crate::integrity::Integrity;
use crate::refusal::{Cause, Refusal};
use crate::toolchain::Toolchain;
use crate::wrapper::added_arguments::{AddedArguments, Optimization, Role};

const SOURCE: &str = include_str!("probe_program.rs");

/// What the program prints: the sum of the squares below 100, and one.
const EXPECTED_OUTPUT: &str = "sum 328351\n";

/// These hooks must be called: one per pass, and that of reads where they are hooked.
const fn expected_hooks(integrity: Integrity) -> &'static [&'static str] {
    const OF_READS: &[&str] = &["__asan_store8", "__tsan_atomic64_fetch_add", "__asan_load8"];
    match integrity {
        Integrity::Ecc => OF_READS.split_at(2).0,
        Integrity::Crc => OF_READS,
    }
}

/// Refuses a sysroot that does not work.
pub(super) fn probe(
    toolchain: &Toolchain,
    integrity: Integrity,
    sysroot: &Sysroot,
    scratch: &Path,
) -> Result<(), Refusal> {
    let source = scratch.join("asc_probe.rs");
    fs::write(&source, SOURCE).map_err(|error| Refusal::file("write", &source, &error))?;
    let object = scratch.join("asc_probe.o");
    let program = scratch.join("asc_probe");
    compile(toolchain, integrity, sysroot, &source, &object, "obj")?;
    check_hooks(integrity, &object)?;
    compile(toolchain, integrity, sysroot, &source, &program, "link")?;
    check_run(&program)
}

fn compile(
    toolchain: &Toolchain,
    integrity: Integrity,
    sysroot: &Sysroot,
    source: &Path,
    output: &Path,
    emit: &str,
) -> Result<(), Refusal> {
    let added = AddedArguments {
        integrity,
        sysroot: &sysroot.directory(),
        inert_archive: &sysroot.inert_archive(),
        role: Role::Application,
        is_linked: true,
        // Not of this program, but so that every pass and option is tried.
        optimization: Optimization {
            is_for_speed: true,
            has_no_vectors: false,
            is_whole_program: true,
        },
        has_bitcode: false,
        has_early_bitcode: false,
    };
    let done = Command::new(&toolchain.rustc)
        .args(["--edition=2024", "-Copt-level=1", "-Ccodegen-units=1"])
        .args(["--target", crate::toolchain::TARGET])
        .arg(format!("--emit={emit}"))
        .arg("-o")
        .args([output, source])
        .args(added.list())
        .output()
        .map_err(|error| Refusal::program(&toolchain.rustc, &error))?;
    if done.status.success() {
        Ok(())
    } else {
        Err(failed("that it compiles", &done))
    }
}

fn check_hooks(integrity: Integrity, object: &Path) -> Result<(), Refusal> {
    let bytes = fs::read(object).map_err(|error| Refusal::file("read", object, &error))?;
    let names: Vec<String> = object::File::parse(&*bytes)
        .map(|file| {
            file.symbols()
                .filter_map(|symbol| Some(symbol.name().ok()?.to_owned()))
                .collect()
        })
        .unwrap_or_default();
    match expected_hooks(integrity)
        .iter()
        .find(|hook| !names.iter().any(|name| name == *hook))
    {
        None => Ok(()),
        Some(missing) => Err(refusal(
            "calls of the hooks in compiled code",
            format!("no call of {missing}"),
        )),
    }
}

fn check_run(program: &Path) -> Result<(), Refusal> {
    let done = Command::new(program)
        .output()
        .map_err(|error| Refusal::program(program, &error))?;
    let is_right = done.status.success() && done.stdout == EXPECTED_OUTPUT.as_bytes();
    if is_right {
        Ok(())
    } else {
        Err(failed(&format!("the output {EXPECTED_OUTPUT:?}"), &done))
    }
}

fn failed(wanted: &str, done: &Output) -> Refusal {
    let found = format!(
        "{}\n{}{}",
        done.status,
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    refusal(wanted, found)
}

fn refusal(wanted: &str, found: String) -> Refusal {
    Refusal::new(
        Cause::ProbeFailed,
        format!("of a small program built with the new sysroot: {wanted}"),
        found,
        "check that cc links plain programs (cargo new, cargo run); if it does, update the toolchain: rustup update stable",
    )
}
