//! Adds the hooks to the standard library, object by object.
//!
//! For each object of each rlib, rust-lld (which contains the same LLVM as
//! rustc) reads the bitcode, finishes its optimisation, runs our passes, and
//! writes native code and the new bitcode. The rlib is packed again around it:
//! same names, same metadata.
//!
//! 1. [`jobs`] lists the objects of all rlibs, the largest first.
//! 2. A few threads take one after the other and run the linker on it.
//! 3. [`archive`] packs the rlibs again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use indicatif::ProgressBar;

use super::archive::{self, Member};
use super::layout::Rlib;
use super::{embedded_bitcode, progress};
use crate::integrity::Integrity;
use crate::pipeline;
use crate::refusal::{Cause, Refusal};
use crate::toolchain::Toolchain;

/// rustc embeds bitcode as it is between the two halves of LLVM's optimiser.
/// This is the second half, with which the shipped native code was made too.
const OPTIMIZE: &str = "thinlto<O3>,mergefunc";

/// After our passes, the bitcode is kept with the summary that thin LTO needs;
/// rustc prepares it with the same two passes.
const EMBED: &str = "canonicalize-aliases,name-anon-globals,embed-bitcode<thinlto;emit-summary>";

/// What rustc sets for itself and rust-lld does not, so that the code comes
/// out as in the shipped library: merged functions become aliases, no
/// assumptions about alignment after inlining, and code that must not be
/// reached traps, except after a call that never returns.
const OPTIONS_OF_RUSTC: &[&str] = &[
    "-generate-arange-section",
    "-mergefunc-use-aliases",
    "-preserve-alignment-assumptions-during-inlining=false",
    "-trap-unreachable",
    "-no-trap-after-noreturn",
];

/// One object to instrument.
struct Job {
    rlib: usize,
    member: usize,
    bitcode: Vec<u8>,
}

/// Instruments all rlibs; `scratch` is a directory for temporary files.
pub(super) fn instrument_all(
    toolchain: &Toolchain,
    integrity: Integrity,
    rlibs: &[Rlib],
    scratch: &Path,
) -> Result<(), Refusal> {
    let sources: Vec<PathBuf> = rlibs.iter().map(|rlib| rlib.source.clone()).collect();
    let mut contents = sources
        .iter()
        .map(|rlib| archive::read(rlib))
        .collect::<Result<Vec<_>, _>>()?;
    let jobs = jobs(&sources, &contents)?;
    let bar = progress::bar(jobs.iter().map(|job| job.bitcode.len() as u64).sum());
    let objects = run(toolchain, integrity, &jobs, scratch, &bar)?;
    for (job, object) in jobs.iter().zip(objects) {
        contents[job.rlib][job.member].bytes = object;
    }
    bar.finish_and_clear();
    for (rlib, members) in rlibs.iter().zip(contents) {
        archive::write(&rlib.destination, members)?;
    }
    Ok(())
}

/// Counts the objects of the rlibs; a refusal when one of them has no bitcode.
pub(super) fn count(rlibs: &[PathBuf]) -> Result<usize, Refusal> {
    let contents = rlibs
        .iter()
        .map(|rlib| archive::read(rlib))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(jobs(rlibs, &contents)?.len())
}

/// The objects of all rlibs, the largest first so that no thread ends late.
fn jobs(rlibs: &[PathBuf], contents: &[Vec<Member>]) -> Result<Vec<Job>, Refusal> {
    let mut jobs = Vec::new();
    for (rlib, members) in contents.iter().enumerate() {
        for (member, Member { name, bytes }) in members.iter().enumerate() {
            if !name.ends_with(".o") {
                continue;
            }
            let bitcode = embedded_bitcode::of(bytes)
                .ok_or_else(|| without_bitcode(&rlibs[rlib], name))?
                .to_vec();
            jobs.push(Job {
                rlib,
                member,
                bitcode,
            });
        }
    }
    if jobs.is_empty() {
        return Err(without_bitcode(
            Path::new("the standard library"),
            "any object",
        ));
    }
    jobs.sort_by_key(|job| std::cmp::Reverse(job.bitcode.len()));
    Ok(jobs)
}

fn without_bitcode(rlib: &Path, member: &str) -> Refusal {
    Refusal::new(
        Cause::UnsuitableToolchain,
        "a standard library whose rlibs contain LLVM bitcode",
        format!("no .llvmbc section for {member} in {}", rlib.display()),
        "use a toolchain from rustup: rustup toolchain install stable && rustup default stable",
    )
}

/// Runs all jobs, as many at a time as there are cores.
fn run(
    toolchain: &Toolchain,
    integrity: Integrity,
    jobs: &[Job],
    scratch: &Path,
    bar: &ProgressBar,
) -> Result<Vec<Vec<u8>>, Refusal> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let worker = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(index) else { return };
            let stem = scratch.join(index.to_string());
            let result = instrument(toolchain, integrity, &job.bitcode, &stem);
            bar.inc(job.bitcode.len() as u64);
            results
                .lock()
                .unwrap_or_else(|broken| broken.into_inner())
                .push((index, result));
        }
    };
    let threads = thread::available_parallelism()
        .map_or(1, |count| count.get())
        .min(jobs.len());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(worker);
        }
    });
    let mut results = results
        .into_inner()
        .unwrap_or_else(|broken| broken.into_inner());
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The instrumented object for some bitcode.
fn instrument(
    toolchain: &Toolchain,
    integrity: Integrity,
    bitcode: &[u8],
    stem: &Path,
) -> Result<Vec<u8>, Refusal> {
    let input = stem.with_extension("bc");
    let output = stem.with_extension("o");
    fs::write(&input, bitcode).map_err(|error| Refusal::file("write", &input, &error))?;
    link(toolchain, integrity, &input, &output)?;
    let output = code_of(&output);
    let object = fs::read(&output).map_err(|error| Refusal::file("read", &output, &error))?;
    embedded_bitcode::rename_for_rustc(object)
        .map_err(|error| failed(&format!("{}: {error}", output.display())))
}

fn link(
    toolchain: &Toolchain,
    integrity: Integrity,
    input: &Path,
    output: &Path,
) -> Result<(), Refusal> {
    let mut command = Command::new(&toolchain.rust_lld);
    command
        .args([
            "-flavor",
            "gnu",
            "-r",
            "--lto-O3",
            "--lto-CGO3",
            "--thinlto-jobs=1",
        ])
        .arg(format!(
            "--lto-newpm-passes={OPTIMIZE},{},{EMBED}",
            pipeline::PASSES
        ))
        .arg(input)
        // The object as LLVM writes it; what the linker would make of it is not needed.
        .arg({
            let mut argument = std::ffi::OsString::from("--lto-obj-path=");
            argument.push(output);
            argument
        })
        .args(["-o", "/dev/null"]);
    let options = pipeline::llvm_options(integrity);
    for option in options.chain(OPTIONS_OF_RUSTC.iter().copied()) {
        command.args(["-mllvm", option]);
    }
    let done = command
        .output()
        .map_err(|error| Refusal::program(&toolchain.rust_lld, &error))?;
    if done.status.success() {
        return Ok(());
    }
    Err(failed(&String::from_utf8_lossy(&done.stderr)))
}

/// Where the linker put the code: bitcode with a thin LTO summary gets a
/// number after the name, the unnumbered object is then empty.
fn code_of(output: &Path) -> PathBuf {
    let numbered = output.with_extension("o1");
    if numbered.exists() {
        numbered
    } else {
        output.to_owned()
    }
}

fn failed(found: &str) -> Refusal {
    Refusal::new(
        Cause::SysrootFailed,
        "the toolchain's standard library with hooks",
        found,
        "try another stable toolchain (rustup update stable), then: cargo asc sysroot --rebuild",
    )
}
