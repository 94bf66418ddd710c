//! The fault handler: decides what a SIGSEGV or SIGBUS means.
//!
//! Everything here runs in a signal handler, on the alternate stack where there is one, and uses only
//! atomics, copies and system calls.

use core::ffi::{c_int, c_void};
use core::sync::atomic::Ordering::Relaxed;

use super::stray::{self, StrayWrite};
use super::{Pages, pages, session};
use crate::stop::say;
use crate::sys::signal;

/// Exit status when a session wanted more than its tables hold, or the system refused a page.
pub const EXIT_REFUSED: i32 = 87;

/// Exit status when a line of protected memory did not agree with its code.
pub const EXIT_ROTTEN: i32 = 86;

/// A bit of the processor's page fault code: the access was a write.
const WRITE: i64 = 2;

/// The process's handler for both signals.
pub(super) extern "C" fn on_signal(
    number: c_int,
    info: *mut libc::siginfo_t,
    context: *mut c_void,
) {
    // SAFETY: the C library's errno of this thread, which the interrupted code may be about to read.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let saved = unsafe { *errno };
    if !pages().is_some_and(|pages| handle(pages, number, info, context.cast())) {
        signal::chain(number, info, context);
    }
    // SAFETY: as above.
    unsafe { *errno = saved };
}

/// False when the fault is not about protected memory.
fn handle(
    pages: &Pages,
    number: c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::ucontext_t,
) -> bool {
    // SAFETY: the kernel passes a valid `siginfo_t`.
    let info = unsafe { &*info };
    if info.si_code <= 0 {
        return false;
    }
    // SAFETY: for a fault of the processor the structure has an address.
    let address = unsafe { info.si_addr() }.addr();
    let Some(page) = pages.records.page_of(address) else {
        return false;
    };
    if !pages.is_committed(page) {
        return false;
    }
    // SAFETY: the kernel passes a valid context for this signal.
    let machine = unsafe { &(*context).uc_mcontext };
    let is_write = machine.gregs[libc::REG_ERR as usize] & WRITE != 0;
    if !is_write {
        return number == libc::SIGSEGV && allow_reading(pages, machine.fpregs.cast());
    }
    if !session::is_mine() {
        stray::report(&StrayWrite {
            address,
            instruction: machine.gregs[libc::REG_RIP as usize] as usize,
        });
    }
    open(pages, page);
    true
}

/// A thread that is older than the protection key may not even read. From now on it may.
fn allow_reading(pages: &Pages, state: *mut u8) -> bool {
    let Some(key) = pages.guard.key() else {
        return false;
    };
    // SAFETY: the state of the frame that is being handled.
    !state.is_null() && unsafe { key.allow_reading_in_frame(state) }
}

/// Opens a page for the session of this thread: examines it where there are codes, and copies it.
pub(super) fn open(pages: &Pages, page: u32) {
    // The kernel started this handler with the gate shut, even for reading.
    pages.guard.enter();
    if !pages.guard.open(page) {
        refuse(format_args!(
            "asc-alloc: refused: the system would not open a page of protected memory: raise \
             vm.max_map_count, or use another backend than {}",
            pages.guard.backend()
        ));
    }
    if pages.records.open(page).load(Relaxed) != 0 {
        return;
    }
    if let Some(codes) = &pages.codes {
        codes.examine(page, pages.records.page(page));
    }
    if !pages.records.append(page) {
        refuse(format_args!(
            "asc-alloc: refused: a handler changed more than {} pages of protected memory: raise \
             `Builder::pages_max`, or change less at a time",
            pages.records.entries_max()
        ));
    }
}

fn refuse(reason: core::fmt::Arguments<'_>) -> ! {
    say(reason);
    // SAFETY: ends the process without running its exit handlers: a handler is half done.
    unsafe { libc::_exit(EXIT_REFUSED) }
}
