//! Functions around a fork.

/// Registers what runs before a fork, and after it in the parent and in the child.
pub(crate) fn register(
    before: unsafe extern "C" fn(),
    parent: unsafe extern "C" fn(),
    child: unsafe extern "C" fn(),
) -> bool {
    // SAFETY: the functions live as long as the program and touch only this crate's statics.
    unsafe { libc::pthread_atfork(Some(before), Some(parent), Some(child)) == 0 }
}
