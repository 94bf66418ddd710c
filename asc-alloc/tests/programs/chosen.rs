//! A global allocator that is another one in each process, so that one program can be run on all of them.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::CStr;
use std::sync::atomic::{AtomicU8, Ordering};

use asc_alloc::AscAlloc;
#[cfg(feature = "rivals")]
use mimalloc::MiMalloc;
#[cfg(feature = "rivals")]
use tikv_jemallocator::Jemalloc;

/// The variable of the environment that names one of [`NAMES`].
pub(crate) const VARIABLE: &str = "ASC_ALLOCATOR_UNDER_TEST";
const VARIABLE_IN_C: &CStr = c"ASC_ALLOCATOR_UNDER_TEST";

/// All that can be chosen; the first is the system's, and the default.
#[cfg(not(feature = "rivals"))]
pub(crate) const NAMES: [&str; 2] = ["system", "asc-alloc"];
#[cfg(feature = "rivals")]
pub(crate) const NAMES: [&str; 4] = ["system", "asc-alloc", "mimalloc", "jemalloc"];

const UNKNOWN: u8 = u8::MAX;
static CHOICE: AtomicU8 = AtomicU8::new(UNKNOWN);

/// The allocator that the environment has chosen, by its index in [`NAMES`].
pub(crate) struct Chosen;

/// The index of this process's allocator.
#[inline]
fn choice() -> u8 {
    let known = CHOICE.load(Ordering::Relaxed);
    if known == UNKNOWN { choose() } else { known }
}

/// At the first allocation of the process.
#[cold]
fn choose() -> u8 {
    // SAFETY: a C string. The program's start allocates before there are other threads.
    let value = unsafe { libc::getenv(VARIABLE_IN_C.as_ptr()) };
    let chosen = if value.is_null() {
        Some(0)
    } else {
        // SAFETY: the C library's string, which nobody changes.
        let value = unsafe { CStr::from_ptr(value) };
        let is_value = |name: &&str| name.as_bytes() == value.to_bytes();
        NAMES.iter().position(is_value)
    };
    let Some(index) = chosen else {
        std::process::abort();
    };
    CHOICE.store(index as u8, Ordering::Relaxed);
    index as u8
}

macro_rules! forward {
    ($function:ident $arguments:tt) => {
        match choice() {
            // SAFETY: the caller's contract; each process has one allocator for all its blocks.
            0 => unsafe { System.$function $arguments },
            #[cfg(feature = "rivals")]
            // SAFETY: as above.
            2 => unsafe { MiMalloc.$function $arguments },
            #[cfg(feature = "rivals")]
            // SAFETY: as above.
            3 => unsafe { Jemalloc.$function $arguments },
            // SAFETY: as above.
            _ => unsafe { AscAlloc::new().$function $arguments },
        }
    };
}

// SAFETY: an allocator's functions, of the same allocator in all of a process's life.
unsafe impl GlobalAlloc for Chosen {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        forward!(alloc(layout))
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        forward!(alloc_zeroed(layout))
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        forward!(dealloc(block, layout))
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        forward!(realloc(block, layout, bytes))
    }
}
