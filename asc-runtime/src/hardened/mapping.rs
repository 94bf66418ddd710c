//! Memory that belongs to the runtime alone, outside every allocator.

use core::ffi::c_int;

use memmap2::{MmapMut, RemapOptions};

use crate::refuse::refuse;

const PAGE_BYTES: usize = 4096;

/// A growable private anonymous mapping, page-aligned and zeroed where never written.
#[derive(Debug)]
pub(crate) struct Mapping {
    map: MmapMut,
    base: *mut u8,
}

impl Mapping {
    /// Maps at least `bytes`. Ends the process with a refusal when the system has no memory.
    pub(crate) fn new(bytes: usize) -> Self {
        match MmapMut::map_anon(bytes.next_multiple_of(PAGE_BYTES)) {
            Ok(mut map) => Self {
                base: map.as_mut_ptr(),
                map,
            },
            Err(error) => out_of_memory(bytes, error.raw_os_error()),
        }
    }

    /// Grows to at least `bytes`; the contents move along, so earlier pointers are dead.
    pub(crate) fn grow(&mut self, bytes: usize) {
        // Whole pages: the rest of the last one is this mapping's too, and an audit must know.
        let bytes = bytes.max(self.map.len() * 2).next_multiple_of(PAGE_BYTES);
        // SAFETY: the mapping is anonymous, so every byte of the new length is backed; no
        // reference into it outlives this call (callers keep offsets).
        let grown = unsafe { self.map.remap(bytes, RemapOptions::new().may_move(true)) };
        if let Err(error) = grown {
            out_of_memory(bytes, error.raw_os_error());
        }
        self.base = self.map.as_mut_ptr();
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// Where it lies: start and length.
    pub(crate) fn range(&self) -> (usize, usize) {
        (self.base.addr(), self.len())
    }

    pub(crate) fn base(&self) -> *mut u8 {
        self.base
    }
}

fn out_of_memory(bytes: usize, errno: Option<c_int>) -> ! {
    refuse(format_args!(
        "the runtime could not map {bytes} bytes for its log (errno {}): raise the memory limit \
         (ulimit -v, cgroup memory.max) or vm.max_map_count",
        errno.unwrap_or(0)
    ))
}
