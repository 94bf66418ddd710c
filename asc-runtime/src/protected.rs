//! State that is made outside of handlers.

/// Runs `scope`; what it allocates is protected state.
///
/// In a build with `--integrity crc` every line of the protected heap has a code, which handlers verify
/// before they rely on the line. What handlers themselves allocate is protected without asking; state
/// that a program sets up beforehand belongs into such a scope. Buffers that the kernel or C code writes
/// to do not: their writes are not seen, and would be taken for rot. That goes for a few functions of the
/// standard library too, whose buffers C code fills: call [`std::env::current_dir`], [`std::env::current_exe`],
/// [`std::env::home_dir`] and [`std::fs::read_link`] before such a scope, and pass in what they return.
/// Files, sockets and randomness are read as anywhere.
///
/// In page mode it is the scope of the global allocator, `AscAlloc::protected`: what it allocates changes
/// in handlers and in such scopes only, without a fault for each store.
///
/// In all other programs this calls `scope` and does nothing else. So does a handler's own call.
///
/// ```
/// let votes = asc_runtime::protected(|| Box::new([0u64; 100]));
/// assert_eq!(votes[99], 0);
/// ```
///
/// # Panics
/// When `scope` does.
pub fn protected<R>(scope: impl FnOnce() -> R) -> R {
    #[cfg(asc_crc)]
    let _scope =
        (!crate::hardened::sys::handler_active()).then(crate::hardened::integrity::heap::scope);
    #[cfg(all(feature = "page", not(asc)))]
    if crate::paged::is_started() && !crate::paged::sys::handler_active() {
        return asc_alloc::AscAlloc::new().protected(scope);
    }
    scope()
}

/// Verifies every line of the protected heap now; returns how many bytes that were.
///
/// Handlers verify what they read, and a scrubber the rest in time. Code outside of handlers reads
/// unchecked: before it writes a snapshot of the state, say, it calls this. A single flipped bit is
/// corrected or stops the process, as `ASC_ROT` says; anything else stops it.
///
/// Returns 0 in builds without `--integrity crc`, and in a handler.
///
/// ```
/// let verified_bytes = asc_runtime::scrub();
/// # assert_eq!(verified_bytes, 0);
/// ```
pub fn scrub() -> u64 {
    #[cfg(asc_crc)]
    if !crate::hardened::sys::handler_active() {
        return crate::hardened::integrity::scrubber::scrub_all();
    }
    0
}
