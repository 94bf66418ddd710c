//! Every write to memory outside the own stack frame calls its hook first.
//!
//! The corpus writes memory in every way we know of. It is compiled as cargo
//! would have it compiled, and the LLVM IR that comes out is checked, function
//! by function. The standard library is checked too, as a program contains it.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::llvm_ir::{Matching, Report};
use support::{TARGET, succeed, wrapped_rustc};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/stores.rs");
const STD_USER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/std_user.rs");

/// What no pass of LLVM hooks, because it is an intrinsic of one processor or
/// inline assembly. Programs write these by hand only; the optimiser does not
/// make them. When one of them gets a hook, it must leave this list.
const WITHOUT_HOOK: &[&str] = &[
    "@llvm.x86.sse2.maskmov.dqu(",
    "@llvm.x86.avx512.scatter.dpi.512(",
    "\"movntdq [",
    "\"movnti [",
];

const AS_LIBRARY: [&str; 2] = ["--crate-type=lib", "--emit=llvm-ir"];

/// Compiles to LLVM IR and checks all modules that come out.
fn check(mut rustc: Command, source: &str, arguments: &[&str], matching: Matching) -> Report {
    let directory = tempfile::tempdir().unwrap();
    rustc
        .args([
            source,
            "--edition=2024",
            "--target",
            TARGET,
            "-Awarnings",
            "-Cembed-bitcode=no",
        ])
        .args(arguments)
        .arg("--out-dir")
        .arg(directory.path());
    succeed(&mut rustc);
    let mut report = Report::new(matching);
    modules(directory.path())
        .iter()
        .for_each(|module| report.add(module));
    report
}

fn modules(directory: &Path) -> Vec<String> {
    let files = fs::read_dir(directory)
        .unwrap()
        .map(|item| item.unwrap().path());
    let modules = files.filter(|path| path.extension().is_some_and(|ending| ending == "ll"));
    modules
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

fn plain_rustc() -> Command {
    Command::new("rustc")
}

fn check_corpus(flags: &str) {
    let is_one_unit = flags.contains("codegen-units=1 ");
    let matching = if is_one_unit {
        Matching::Exact
    } else {
        Matching::Nearest
    };
    let arguments: Vec<&str> = flags.split(' ').chain(AS_LIBRARY).collect();
    let report = check(wrapped_rustc(), CORPUS, &arguments, matching);
    assert!(
        report.writes > 300,
        "{flags}: only {} writes found",
        report.writes
    );
    let is_known = |line: &str| WITHOUT_HOOK.iter().any(|known| line.contains(known));
    let unexpected: Vec<_> = report
        .violations
        .iter()
        .filter(|(_, line)| !is_known(line))
        .collect();
    assert!(
        unexpected.is_empty(),
        "{flags}: {} without hook: {unexpected:#?}",
        unexpected.len()
    );
    for known in WITHOUT_HOOK {
        let is_seen = report
            .violations
            .iter()
            .any(|(_, line)| line.contains(known));
        assert!(
            is_seen,
            "{flags}: {known} has a hook now, take it off the list"
        );
    }
}

macro_rules! corpora {
    ($($name:ident: $optimisation:literal $units:literal $panic:literal $processor:literal;)*) => {
        $(
            #[test]
            fn $name() {
                check_corpus(concat!(
                    "-Copt-level=", $optimisation, " -Ccodegen-units=", $units,
                    " -Cpanic=", $panic, " -Ctarget-cpu=", $processor
                ));
            }
        )*
    };
}

corpora! {
    unoptimised_unwinding: 0 1 "unwind" "x86-64";
    unoptimised_unwinding_native: 0 1 "unwind" "native";
    unoptimised_aborting: 0 1 "abort" "x86-64";
    unoptimised_aborting_native: 0 1 "abort" "native";
    unoptimised_in_16_units_unwinding: 0 16 "unwind" "x86-64";
    unoptimised_in_16_units_unwinding_native: 0 16 "unwind" "native";
    unoptimised_in_16_units_aborting: 0 16 "abort" "x86-64";
    unoptimised_in_16_units_aborting_native: 0 16 "abort" "native";
    optimised_unwinding: 3 1 "unwind" "x86-64";
    optimised_unwinding_native: 3 1 "unwind" "native";
    optimised_aborting: 3 1 "abort" "x86-64";
    optimised_aborting_native: 3 1 "abort" "native";
    optimised_in_16_units_unwinding: 3 16 "unwind" "x86-64";
    optimised_in_16_units_unwinding_native: 3 16 "unwind" "native";
    optimised_in_16_units_aborting: 3 16 "abort" "x86-64";
    optimised_in_16_units_aborting_native: 3 16 "abort" "native";
}

/// Fat LTO brings the standard library's bitcode into the program's IR; without
/// optimisation it stays as it is in the sysroot.
#[test]
fn the_standard_library_is_hooked() {
    let arguments =
        "--crate-type=bin --emit=llvm-ir,link -Copt-level=0 -Clto=fat -Cembed-bitcode=yes";
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let report = check(wrapped_rustc(), STD_USER, &arguments, Matching::Exact);
    assert!(report.writes > 3000, "only {} writes found", report.writes);
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
}

#[test]
fn without_instrumentation_the_check_fails() {
    for optimisation in ["-Copt-level=0", "-Copt-level=3"] {
        let arguments = [&AS_LIBRARY[..], &[optimisation, "-Ccodegen-units=1"]].concat();
        let report = check(plain_rustc(), CORPUS, &arguments, Matching::Exact);
        assert_eq!(
            report.violations.len(),
            report.writes,
            "a hook without instrumentation"
        );
        for function in ["assign_bytes_6", "packed_fields", "raw_writes"] {
            assert!(
                report
                    .violators()
                    .iter()
                    .any(|name| name.contains(function)),
                "{function}"
            );
        }
    }
}

#[test]
fn one_missing_hook_is_found() {
    const MODULE: &str = "\
define void @f(ptr %p, ptr %q) {
start:
  %0 = ptrtoint ptr %p to i64
  call void @__asan_storeN(i64 %0, i64 3)
  store i24 1, ptr %p, align 1
  call void @__asan_store4(i64 ptrtoint (ptr @g to i64))
  store i32 1, ptr @g, align 4
  br label %next

next:
  store i24 2, ptr %p, align 1
}
";
    let mut report = Report::new(Matching::Exact);
    report.add(MODULE);
    assert_eq!(report.writes, 3);
    // The hook of another block, of another pointer or of another width does not count.
    assert_eq!(
        report.violations,
        [("f".into(), "store i24 2, ptr %p, align 1".into())]
    );
    for (hook, other) in [
        ("ptr %p to", "ptr %q to"),
        ("i64 3", "i64 4"),
        ("store4", "store8"),
    ] {
        let mut report = Report::new(Matching::Exact);
        report.add(&MODULE.replace(hook, other));
        assert_eq!(report.violations.len(), 2, "{hook}");
    }
}

/// Where addresses are computed twice, each lane of a masked vector still has a hook of its own.
#[test]
fn one_missing_lane_is_found() {
    const MODULE: &str = "\
define void @f(ptr %p, <2 x i1> %mask) {
start:
  %first = ptrtoint ptr %base to i64
  br i1 %lane0, label %hook0, label %next

hook0:
  call void @__asan_store4(i64 %first)
  br label %next

next:
  %second = ptrtoint ptr %behind to i64
  call void @__asan_store4(i64 %second)
  call void @llvm.masked.store.v2i32.p0(<2 x i32> zeroinitializer, ptr align 4 %p, <2 x i1> %mask)
}
";
    let violations = |module: &str| {
        let mut report = Report::new(Matching::Nearest);
        report.add(module);
        assert_eq!(report.writes, 1);
        report.violations.len()
    };
    assert_eq!(violations(MODULE), 0);
    for (hook, other) in [
        ("call void @__asan_store4(i64 %first)", "call void @other()"),
        ("i64 %second)", "i64 %first)"),
        ("store4(i64 %second)", "store8(i64 %second)"),
    ] {
        assert_eq!(violations(&MODULE.replace(hook, other)), 1, "{hook}");
    }
}

/// A hook like a store's is not enough: other threads would lose what they did meanwhile.
#[test]
fn an_atomic_operation_left_in_place_is_found() {
    const OPERATION: &str = "%old = atomicrmw umax ptr %p, i64 %value seq_cst, align 8";
    let module = format!(
        "define void @f(ptr %p, i64 %value) {{\n  %0 = ptrtoint ptr %p to i64\n  \
         call void @__asan_store8(i64 %0)\n  {OPERATION}\n}}\n"
    );
    for matching in [Matching::Exact, Matching::Nearest] {
        let mut report = Report::new(matching);
        report.add(&module);
        assert_eq!(report.violations, [("f".into(), OPERATION.into())]);
    }
}

#[test]
fn only_the_own_stack_needs_no_hook() {
    let mut report = Report::new(Matching::Exact);
    report.add(
        "\
define void @f(ptr %argument) {
  %slot = alloca [8 x i8], align 8
  %part = getelementptr inbounds i8, ptr %slot, i64 4
  store i32 1, ptr %part, align 4
  %either = select i1 true, ptr %part, ptr %argument
  store i32 2, ptr %either, align 4
  %loaded = load ptr, ptr %slot, align 8
  store i32 3, ptr %loaded, align 4
}
",
    );
    assert_eq!(report.writes, 2);
    assert_eq!(report.violations.len(), 2);
}
