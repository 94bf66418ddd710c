//! The name of an address, read from the program's own symbol table.
//!
//! Called on the way down, when the heap may be corrupt: the file is mapped and read in place.

use core::fmt;
use std::fs::File;

use memmap2::Mmap;

use super::symbol_table::name_at;

/// Calls `say` with the name of what lies at `address` and the offset into it: a symbol of the
/// program, or the kind of memory.
pub(crate) fn with_name(address: usize, say: impl FnOnce(&str, u64) -> fmt::Result) -> fmt::Result {
    if address == 0 {
        return say("", 0);
    }
    let Some(relative) = offset_in_program(address) else {
        return say(
            if is_stack(address) {
                "[stack]"
            } else {
                "[heap]"
            },
            0,
        );
    };
    let Ok(program) = File::open("/proc/self/exe") else {
        return say("[program]", relative);
    };
    // SAFETY: the running program's file is not truncated while it runs (ETXTBSY).
    let Ok(image) = (unsafe { Mmap::map(&program) }) else {
        return say("[program]", relative);
    };
    match name_at(&image, relative) {
        Some((name, offset)) => say(name, offset),
        None => say("[program]", relative),
    }
}

/// The address relative to the program's load address, if it lies in the program's image.
pub(super) fn offset_in_program(address: usize) -> Option<u64> {
    unsafe extern "C" {
        static __ehdr_start: u8;
        static _end: u8;
    }
    let (start, end) = ((&raw const __ehdr_start).addr(), (&raw const _end).addr());
    (start..end)
        .contains(&address)
        .then(|| (address - start) as u64)
}

/// Whether `address` lies near this thread's stack pointer.
fn is_stack(address: usize) -> bool {
    const STACK_BYTES_ASSUMED: usize = 8 << 20;
    let here = (&raw const address).addr();
    address.abs_diff(here) < STACK_BYTES_ASSUMED
}
