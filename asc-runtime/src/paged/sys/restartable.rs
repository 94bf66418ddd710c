//! Gives up restartable sequences for a thread whose handlers run with ordinary memory closed.
//!
//! The C library registers a word of each thread into which the kernel writes the processor's number
//! whenever it has moved the thread. It writes with the thread's own rights; while those close ordinary
//! memory, it fails and ends the process. The C library asks the kernel itself where the word is
//! missing.

use core::ffi::{CStr, c_ulong, c_void};

/// What glibc registers with, on x86.
const SIGNATURE: c_ulong = 0x5305_3053;
const FLAG_UNREGISTER: c_ulong = 1;
/// Where the kernel writes the number of the processor.
const PROCESSOR_OFFSET: usize = 4;
/// The area's size since its beginning, and steps to what newer kernels may have.
const AREA_BYTES: [c_ulong; 4] = [32, 64, 96, 128];

/// Unregisters this thread's area. False when the kernel refuses.
pub(crate) fn give_up() -> bool {
    let Some(offset) = offset() else {
        // A C library without them registers nothing.
        return true;
    };
    let thread: *const u8;
    // SAFETY: reads the thread pointer.
    unsafe {
        core::arch::asm!("mov {}, qword ptr fs:[0]", out(reg) thread, options(pure, readonly, nostack));
    }
    let area = thread.wrapping_offset(offset);
    // SAFETY: the thread's own area, whose second word is the processor's number.
    let processor = unsafe {
        area.wrapping_add(PROCESSOR_OFFSET)
            .cast::<i32>()
            .read_volatile()
    };
    if processor < 0 {
        // Nothing is registered, or not any more.
        return true;
    }
    AREA_BYTES.into_iter().any(|bytes| {
        // SAFETY: the kernel forgets the area; nothing else changes.
        unsafe { libc::syscall(libc::SYS_rseq, area, bytes, FLAG_UNREGISTER, SIGNATURE) == 0 }
    })
}

/// Where the area lies, from the thread pointer; `None` when the C library registers none.
fn offset() -> Option<isize> {
    // SAFETY: the C library's own constant, an `unsigned int`.
    let size = unsafe { find(c"__rseq_size")?.cast::<u32>().read() };
    // SAFETY: likewise, a `ptrdiff_t`.
    let offset = unsafe { find(c"__rseq_offset")?.cast::<isize>().read() };
    (size != 0).then_some(offset)
}

fn find(name: &CStr) -> Option<*const c_void> {
    // SAFETY: a C string.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!found.is_null()).then_some(found.cast_const())
}
