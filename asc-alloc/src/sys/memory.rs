//! Address space and the memory behind it.

use core::ptr::{NonNull, null_mut};

/// The granularity of everything below.
pub(crate) const PAGE_BYTES: usize = 4096;

/// Reserves `bytes` of address space without memory behind it.
pub(crate) fn reserve(bytes: usize) -> Option<NonNull<u8>> {
    map(bytes, libc::PROT_NONE)
}

/// Maps `bytes` of zeroed memory for the allocator's own records; it is used as it is touched.
pub(crate) fn map_records(bytes: usize) -> Option<NonNull<u8>> {
    map(bytes, libc::PROT_READ | libc::PROT_WRITE)
}

fn map(bytes: usize, protection: libc::c_int) -> Option<NonNull<u8>> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: an anonymous mapping at an address of the kernel's choice touches no memory in use.
    let start = unsafe { libc::mmap(null_mut(), bytes, protection, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return None;
    }
    NonNull::new(start.cast())
}

/// Gives a mapping of [`map_records`] back to the system.
///
/// # Safety
/// Nothing refers to it any more.
pub(crate) unsafe fn unmap(start: NonNull<u8>, bytes: usize) {
    // SAFETY: as this function's caller promises. A failure leaves the range mapped and unused.
    unsafe { libc::munmap(start.as_ptr().cast(), bytes) };
}

/// Makes a part of a reservation readable and writable. False when the system refuses.
///
/// # Safety
/// The range lies within a reservation of this process's allocator.
pub(crate) unsafe fn commit(start: *mut u8, bytes: usize) -> bool {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the range is ours, by the caller's promise; more rights break nobody's assumption.
    unsafe { libc::mprotect(start.cast(), bytes, protection) == 0 }
}

/// Makes a committed range read-only. False when the system refuses.
///
/// # Safety
/// The range is committed, and every write to it may fault from now on.
pub(crate) unsafe fn close(start: *mut u8, bytes: usize) -> bool {
    // SAFETY: as this function's caller promises.
    unsafe { libc::mprotect(start.cast(), bytes, libc::PROT_READ) == 0 }
}

/// Keeps the kernel from using huge pages in a range: single pages of it are protected.
///
/// # Safety
/// The range is the allocator's.
pub(crate) unsafe fn keep_pages_small(start: *mut u8, bytes: usize) {
    // SAFETY: the contents do not change. A kernel without huge pages refuses, and has none.
    unsafe { libc::madvise(start.cast(), bytes, libc::MADV_NOHUGEPAGE) };
}

/// Asks the kernel for huge pages in a range, where it has them and gives them on request: a check of a
/// line is mostly a wait for memory, and the more of it the processor can place, the shorter.
///
/// # Safety
/// The range is the allocator's.
pub(crate) unsafe fn prefer_huge_pages(start: *mut u8, bytes: usize) {
    // SAFETY: the contents do not change. A kernel without huge pages refuses, and has none.
    unsafe { libc::madvise(start.cast(), bytes, libc::MADV_HUGEPAGE) };
}

/// Returns the memory behind a range to the system; the range reads as zero afterwards. False when
/// the system refuses, and the contents are then unspecified.
///
/// # Safety
/// Nothing in the range is in use.
pub(crate) unsafe fn discard(start: *mut u8, bytes: usize) -> bool {
    // SAFETY: as this function's caller promises.
    unsafe { libc::madvise(start.cast(), bytes, libc::MADV_DONTNEED) == 0 }
}

/// The limit on this process's address space (`ulimit -v`), if there is one.
pub(crate) fn address_space_limit() -> Option<usize> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the structure is live and ours.
    let status = unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) };
    if status != 0 || limit.rlim_cur == libc::RLIM_INFINITY {
        return None;
    }
    usize::try_from(limit.rlim_cur).ok()
}

/// The machine's memory, or `None` where the system does not say.
pub(crate) fn physical_bytes() -> Option<usize> {
    // SAFETY: a query without side effects.
    let pages = unsafe { libc::sysconf(libc::_SC_PHYS_PAGES) };
    usize::try_from(pages).ok()?.checked_mul(PAGE_BYTES)
}
