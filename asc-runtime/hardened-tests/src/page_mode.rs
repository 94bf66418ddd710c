//! Page mode for programs that plain cargo built: `page` as an argument starts it, on the backend that
//! `ASC_PAGE_BACKEND` names or the fastest; with `unguarded` too, without protection keys.
//!
//! A program that can be started so has `asc_alloc::AscAlloc` as its global allocator in plain builds.

use crate::arguments;

/// Starts page mode if it was asked for. First of all in `main`.
///
/// # Panics
/// If it does not start.
#[cfg(not(asc))]
pub fn start_if_asked() {
    if !arguments::flag("page") {
        return;
    }
    crate::unseen::hide();
    let builder = asc_runtime::paged::Builder::new();
    let started = if arguments::flag("unguarded") {
        use_up_keys();
        assert_eq!(
            builder.start(),
            Err(asc_runtime::paged::StartError::Unguarded)
        );
        builder.accept_unguarded().start()
    } else {
        builder.start()
    };
    if let Err(error) = started {
        panic!("page mode does not start: {error}");
    }
}

/// Makes this machine one without protection keys.
#[cfg(not(asc))]
fn use_up_keys() {
    // SAFETY: integers; no memory's rights change.
    while unsafe { libc::syscall(libc::SYS_pkey_alloc, 0_u64, 0_u64) } > 0 {}
}

/// Does nothing in hardened builds.
#[cfg(asc)]
pub fn start_if_asked() {
    assert!(!arguments::flag("page"), "page mode is for plain builds");
}

/// Runs `scope`; what it allocates is ordinary memory, within [`protected`] too.
pub fn ordinary<R>(scope: impl FnOnce() -> R) -> R {
    asc_alloc::AscAlloc::new().ordinary(scope)
}

/// Runs `scope`; in page mode what it allocates is protected, and it may write to protected memory.
pub fn protected<R>(scope: impl FnOnce() -> R) -> R {
    if asc_runtime::mode() == asc_runtime::Mode::Page {
        asc_runtime::protected(scope)
    } else {
        scope()
    }
}
