//! Stores of whole words. Loads are not intercepted: in ECC builds memory answers for itself.

use crate::hardened::sys::word_store_hooks;

word_store_hooks! {
    __asan_store1 => "asc_log_1",
    __asan_store2 => "asc_log_2",
    __asan_store4 => "asc_log_4",
    __asan_store8 => "asc_log_8",
    __asan_store16 => "asc_log_16",
}

/// Announces a call that does not return. There is nothing to unwind here.
#[unsafe(no_mangle)]
extern "C" fn __asan_handle_no_return() {}
