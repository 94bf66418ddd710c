//! Stores of whole words, and in builds with line codes loads too: else memory answers for itself.

use crate::hardened::sys::word_store_hooks;

word_store_hooks! {
    __asan_store1 => "asc_log_1", 1,
    __asan_store2 => "asc_log_2", 2,
    __asan_store4 => "asc_log_4", 4,
    __asan_store8 => "asc_log_8", 8,
    __asan_store16 => "asc_log_16", 16,
}

/// Announces a call that does not return. There is nothing to unwind here.
#[unsafe(no_mangle)]
extern "C" fn __asan_handle_no_return() {}
