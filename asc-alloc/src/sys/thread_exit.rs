//! Calls a function when a thread ends.
//!
//! A `pthread` key and not a Rust thread-local's destructor: registering one of those may allocate,
//! and they run while other destructors still allocate and free. The C library runs key destructors
//! after all of Rust's.

use core::ffi::c_void;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The key plus one; zero before [`prepare`].
static KEY: AtomicU64 = AtomicU64::new(0);

/// Makes `at_exit` the function that threads marked by [`mark`] call when they end. Once per
/// process. Without a key (there are 1,024 per process) caches of ended threads stay unused.
pub(crate) fn prepare(at_exit: unsafe extern "C" fn(*mut c_void)) {
    let mut key: libc::pthread_key_t = 0;
    // SAFETY: the key is live and ours; the function may run on any thread at its end.
    let status = unsafe { libc::pthread_key_create(&raw mut key, Some(at_exit)) };
    if status == 0 {
        KEY.store(u64::from(key) + 1, Relaxed);
    }
}

/// The current thread calls the function when it ends.
pub(crate) fn mark() {
    let key = KEY.load(Relaxed);
    if key == 0 {
        return;
    }
    let value = core::ptr::without_provenance::<c_void>(1);
    // SAFETY: the key was created; the value is a mark that nobody dereferences.
    unsafe { libc::pthread_setspecific((key - 1) as libc::pthread_key_t, value) };
}
