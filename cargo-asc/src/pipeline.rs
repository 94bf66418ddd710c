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
//!   performs it. The few operations it does not know (`atomicrmw umax`) stay;
//!   `atomic-expand` makes loops around a compare-and-exchange of them, and
//!   ThreadSanitizer's pass, run again, a call of that. It must run before
//!   too, because `atomic-expand` would also expand operations it knows.
//! * AddressSanitizer's pass puts a call before every store (and every load,
//!   where [`Integrity`] asks for it), and turns memory intrinsics into calls.
//!
//! Whatever changes the machine code of a hardened program changes
//! [`fingerprint`], and cargo then builds everything again.

use crate::fingerprint::Fingerprint;
use crate::integrity::Integrity;

/// The pass pipeline for instrumented code.
pub(crate) const PASSES: &str = "forceattrs,function(tsan,atomic-expand,tsan),asan";

/// What goes before [`PASSES`] in optimised crates: vectors and unrolled loops. rustc leaves these
/// to link-time optimisation, its own between codegen units included, and there the hooks would
/// stand in the way.
pub(crate) const LOOP_PASSES: &str = "function(loop-vectorize,loop-unroll<O3>,slp-vectorizer,\
     instcombine<no-verify-fixpoint>,simplifycfg)";

/// For what is optimised together with its dependencies, so that hooks are inlined. All hooks in a
/// function ask the same question (`called_by_handler`), and these limits let LLVM copy code until
/// it is asked once: a loop has a copy for handlers and one without hooks, and straight code jumps
/// from one answer to what follows from it. By default LLVM copies at most 6 instructions for such
/// a jump and loops of about 50. The third limit is for thin LTO, which takes functions of up to 100
/// instructions from other units; hooks have made functions longer.
pub(crate) const WHOLE_PROGRAM_OPTIONS: &[&str] = &[
    "-jump-threading-threshold=60",
    "-unswitch-threshold=300",
    "-import-instr-limit=1000",
];

/// The same for the size up to which functions are inlined, 250 by default, where code is optimised for
/// speed. The option holds for functions that ask for small code too, hence not elsewhere.
pub(crate) const INLINE_OPTION: &str = "-inline-threshold=500";

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
    // A store to a known place of the function's own stack needs no hook; it is
    // left out however it is addressed. Nothing else is: not a store to a global,
    // not a store because an equal one came before it.
    "-asan-opt=1",
    "-asan-opt-stack=1",
    "-asan-opt-globals=0",
    "-asan-opt-same-temp=0",
    // The atomics that ThreadSanitizer's pass does not know.
    "-asan-instrument-atomics=1",
    // No constructor that calls into a sanitizer runtime.
    "-asan-constructor-kind=none",
    // Atomics only: plain accesses and intrinsics are hooked by the other pass.
    "-tsan-instrument-memory-accesses=0",
    "-tsan-instrument-memintrinsics=0",
    "-tsan-instrument-func-entry-exit=0",
];

/// Whether reads are hooked: the line codes of the protected heap are checked
/// at the first read of a line. ECC memory answers for itself.
const fn read_option(integrity: Integrity) -> &'static str {
    match integrity {
        Integrity::Ecc => "-asan-instrument-reads=0",
        Integrity::Crc => "-asan-instrument-reads=1",
    }
}

/// The crates that define the hooks, or that these call: (crate name, package
/// name). They are compiled with the attributes alone.
pub(crate) const RUNTIME_CRATES: &[(&str, &str)] =
    &[("asc_runtime", "asc-runtime"), ("asc_alloc", "asc-alloc")];

/// The source of the inert hooks, which every hardened executable may contain.
pub(crate) const INERT_SOURCE: &str = include_str!("sysroot/inert_hooks.rs");

/// The sources that shape the sysroot or the added arguments: whoever changes
/// them changes the fingerprint, and nobody has to remember it.
const SHAPING_SOURCES: &[&str] = &[
    INERT_SOURCE,
    include_str!("pipeline.rs"),
    include_str!("sysroot/archive.rs"),
    include_str!("sysroot/embedded_bitcode.rs"),
    include_str!("sysroot/inert.rs"),
    include_str!("sysroot/instrument.rs"),
    include_str!("sysroot/layout.rs"),
    include_str!("wrapped_symbols.rs"),
    include_str!("wrapper/added_arguments.rs"),
    include_str!("wrapper/invocation.rs"),
    include_str!("wrapper/runtime_marker.rs"),
];

/// All LLVM options for instrumented code.
pub(crate) fn llvm_options(integrity: Integrity) -> impl Iterator<Item = &'static str> {
    ATTRIBUTE_OPTIONS
        .iter()
        .chain(INSTRUMENTATION_OPTIONS)
        .copied()
        .chain([read_option(integrity)])
}

/// Identifies this pipeline: equal fingerprints give equal machine code.
pub(crate) fn fingerprint(integrity: Integrity) -> String {
    let mut fingerprint = Fingerprint::new();
    fingerprint.add(integrity.name().as_bytes());
    for source in SHAPING_SOURCES {
        fingerprint.add(source.as_bytes());
    }
    fingerprint.finish()
}
