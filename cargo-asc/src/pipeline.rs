//! The compiler pipeline of a hardened build, in one place.
//!
//! LLVM's sanitizer passes put a call before every access, and asc-runtime
//! defines the functions that are called; no sanitizer runtime is linked. The
//! same passes and options go to rustc (for every crate) and to rust-lld (for
//! the standard library), so both sides of this file must stay in step.
//!
//! * `forceattrs` marks every function; the sanitizer passes leave out
//!   functions without their attribute, and LLVM inlines only between
//!   functions that carry the same ones.
//! * ThreadSanitizer's pass turns each atomic operation into a call that
//!   performs it. It runs first: the few operations it does not know (for
//!   instance `atomicrmw umax`) stay, and AddressSanitizer's pass hooks them.
//! * AddressSanitizer's pass puts a call before every store, and turns memory
//!   intrinsics into calls.
//!
//! Whatever changes the machine code of a hardened program changes
//! [`fingerprint`], and cargo then builds everything again.

use crate::fingerprint::Fingerprint;
use crate::wrapped_symbols;

/// The pass pipeline for instrumented code.
pub(crate) const PASSES: &str = "forceattrs,function(tsan),asan";

/// The pass pipeline for the runtime's own code: attributes, but no hooks.
pub(crate) const RUNTIME_PASSES: &str = "forceattrs";

/// The attributes every function of a hardened program carries. They are
/// LLVM options too.
pub(crate) const ATTRIBUTE_OPTIONS: &[&str] = &[
    "-force-attribute=sanitize_address",
    "-force-attribute=sanitize_thread",
];

/// How the sanitizer passes instrument, as LLVM options.
pub(crate) const INSTRUMENTATION_OPTIONS: &[&str] = &[
    // Always a call, never inline shadow memory arithmetic.
    "-asan-instrumentation-with-call-threshold=0",
    // No red zones: frames and globals keep their layout.
    "-asan-stack=0",
    "-asan-globals=0",
    "-asan-instrument-dynamic-allocas=0",
    // No access is left out because an equal one came before it.
    "-asan-opt=0",
    // The atomics that ThreadSanitizer's pass does not know.
    "-asan-instrument-atomics=1",
    // ECC keeps memory at rest: reads need no check.
    "-asan-instrument-reads=0",
    // No constructor that calls into a sanitizer runtime.
    "-asan-constructor-kind=none",
    // Atomics only: plain accesses and intrinsics are hooked by the other pass.
    "-tsan-instrument-memory-accesses=0",
    "-tsan-instrument-memintrinsics=0",
    "-tsan-instrument-func-entry-exit=0",
];

/// The crates that define the hooks: (crate name, package name). They are
/// compiled with the attributes alone.
pub(crate) const RUNTIME_CRATES: &[(&str, &str)] = &[("asc_runtime", "asc-runtime")];

/// Raised by hand when the layout of the cached sysroot or the flags of the
/// rustc wrapper change in a way the rest of this file does not show.
const REVISION: &str = "1";

/// The source of the inert hooks, which every hardened executable may contain.
pub(crate) const INERT_SOURCE: &str = include_str!("sysroot/inert_hooks.rs");

/// All LLVM options for instrumented code.
pub(crate) fn llvm_options() -> impl Iterator<Item = &'static str> {
    ATTRIBUTE_OPTIONS
        .iter()
        .chain(INSTRUMENTATION_OPTIONS)
        .copied()
}

/// Identifies this pipeline: equal fingerprints give equal machine code.
pub(crate) fn fingerprint() -> String {
    let mut fingerprint = Fingerprint::new();
    for part in [REVISION, PASSES, RUNTIME_PASSES, INERT_SOURCE] {
        fingerprint.add(part.as_bytes());
    }
    for option in llvm_options() {
        fingerprint.add(option.as_bytes());
    }
    for (crate_name, package) in RUNTIME_CRATES {
        fingerprint.add(crate_name.as_bytes());
        fingerprint.add(package.as_bytes());
    }
    for symbol in wrapped_symbols::all() {
        fingerprint.add(symbol.as_bytes());
    }
    fingerprint.finish()
}
