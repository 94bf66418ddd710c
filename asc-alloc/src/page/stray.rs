//! Ends the process over a write to protected memory that no session allows.

use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use crate::stop::say;

/// Exit status after a stray write was caught.
pub const EXIT_STRAY_WRITE: i32 = 86;

const FRAMES_MAX: usize = 64;

/// A write to protected memory outside of every session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StrayWrite {
    /// The address that was to be written.
    pub address: usize,
    /// The instruction that wanted to.
    pub instruction: usize,
}

impl StrayWrite {
    /// Writes the frames of this thread to standard error, one per line. Async-signal-safe.
    pub fn print_backtrace(&self) {
        print_backtrace();
    }
}

/// A `fn(&StrayWrite)`, null for none.
static REPORTER: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());

unsafe extern "C" {
    /// Both of glibc's execinfo.h.
    fn backtrace(frames: *mut *mut c_void, count: c_int) -> c_int;
    fn backtrace_symbols_fd(frames: *const *mut c_void, count: c_int, file: c_int);
}

/// Calls `reporter` before the process ends over a stray write, in place of the line that this crate
/// writes. It runs in a signal handler: only async-signal-safe code, and no allocation.
pub fn set_stray_write_reporter(reporter: fn(&StrayWrite)) {
    REPORTER.store(reporter as *mut (), Relaxed);
}

/// Loads what a backtrace needs: the first one of a process allocates.
pub(crate) fn prepare() {
    let mut frame = [core::ptr::null_mut(); 1];
    // SAFETY: the array has room for one frame.
    unsafe { backtrace(frame.as_mut_ptr(), 1) };
}

/// Reports and ends with [`EXIT_STRAY_WRITE`]. Async-signal-safe.
pub(crate) fn report(write: &StrayWrite) -> ! {
    let reporter = REPORTER.load(Relaxed);
    if reporter.is_null() {
        say(format_args!(
            "asc-alloc: stray write: the instruction at {:#x} was about to write to protected \
             memory at {:#x}, outside of a handler. Change protected state in handlers or in \
             `protected`; if no code should write there, this is corruption. Called from:",
            write.instruction, write.address
        ));
        print_backtrace();
    } else {
        // SAFETY: stored from a function pointer of this type.
        let reporter: fn(&StrayWrite) = unsafe { core::mem::transmute(reporter) };
        reporter(write);
    }
    // SAFETY: ends the process without running its exit handlers, which would act on state that may
    // be corrupt.
    unsafe { libc::_exit(EXIT_STRAY_WRITE) }
}

fn print_backtrace() {
    let mut frames = [core::ptr::null_mut(); FRAMES_MAX];
    // SAFETY: the array has that many elements.
    let count = unsafe { backtrace(frames.as_mut_ptr(), FRAMES_MAX as c_int) };
    // SAFETY: the call above wrote that many.
    unsafe { backtrace_symbols_fd(frames.as_ptr(), count, libc::STDERR_FILENO) };
}
