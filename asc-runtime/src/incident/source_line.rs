//! The line of source that stands behind an address in the program's code.
//!
//! 1. [`Callers::here`] notes who called, without looking anything up: a run may be in progress.
//! 2. [`Callers::line`] looks it up in the program's debug information, with the heap, once an
//!    incident is about to be reported.

use core::ffi::{c_int, c_void};

/// Calls that are noted. The innermost are the runtime's and the standard library's.
const CALLERS_MAX: usize = 24;

unsafe extern "C" {
    /// Of the unwinder that the standard library uses: calls `visit` for each frame, from the
    /// caller's on, until it returns another value than 0.
    fn _Unwind_Backtrace(
        visit: extern "C" fn(*mut c_void, *mut c_void) -> c_int,
        argument: *mut c_void,
    ) -> c_int;
    /// Where a frame goes on.
    fn _Unwind_GetIP(frame: *mut c_void) -> usize;
}

#[cfg(feature = "source-lines")]
thread_local! {
    /// The program's debug information. Reading it takes milliseconds, so that is done once.
    static PROGRAM: Option<addr2line::Loader> = addr2line::Loader::new("/proc/self/exe").ok();
}

/// The return addresses of the calls in progress, innermost first.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Callers {
    addresses: [usize; CALLERS_MAX],
    count: usize,
}

impl Callers {
    /// None.
    pub(crate) const NOBODY: Self = Self {
        addresses: [0; CALLERS_MAX],
        count: 0,
    };

    /// The callers of this function.
    #[cold]
    #[cfg(any(asc, feature = "page"))]
    pub(crate) fn here() -> Self {
        let mut callers = Self::NOBODY;
        // SAFETY: the unwinder reads the frames of this thread, and `visit` gets what it expects.
        unsafe { _Unwind_Backtrace(visit, (&raw mut callers).cast()) };
        callers
    }

    /// An instruction that faulted, and then the callers of this function, which a signal handler calls.
    #[cold]
    #[cfg(all(feature = "page", not(asc)))]
    pub(crate) fn of_signal(instruction: usize) -> Self {
        let mut callers = Self::here();
        callers.addresses.rotate_right(1);
        // As if it were a call that returned behind it.
        callers.addresses[0] = instruction + 1;
        callers.count = (callers.count + 1).min(CALLERS_MAX);
        callers
    }

    /// Whether none was noted.
    #[cfg(asc)]
    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Calls `say` with file and line of the innermost of them that is neither the standard library's
    /// nor the runtime's, if the program has debug information.
    #[cfg(feature = "source-lines")]
    pub(crate) fn line(&self, say: impl FnOnce(&str, u32)) {
        if self.count == 0 {
            return;
        }
        // A thread that is ending has no program any more.
        let _ = PROGRAM.try_with(|program| {
            if let Some(program) = program {
                self.line_in(program, say);
            }
        });
    }

    #[cfg(feature = "source-lines")]
    fn line_in(&self, program: &addr2line::Loader, say: impl FnOnce(&str, u32)) {
        for &address in &self.addresses[..self.count.min(CALLERS_MAX)] {
            // The call itself ends one byte before the place to which it returns.
            let Some(probe) = super::symbol::offset_in_program(address.wrapping_sub(1)) else {
                continue;
            };
            let Ok(mut frames) = program.find_frames(probe) else {
                continue;
            };
            while let Ok(Some(frame)) = frames.next() {
                let location = frame.location.and_then(|place| place.file.zip(place.line));
                if let Some((file, line)) = location
                    && !is_foreign(file)
                {
                    return say(file, line);
                }
            }
        }
    }

    #[cfg(not(feature = "source-lines"))]
    pub(crate) fn line(&self, _say: impl FnOnce(&str, u32)) {}
}

#[cfg(any(asc, feature = "page"))]
extern "C" fn visit(frame: *mut c_void, callers: *mut c_void) -> c_int {
    // SAFETY: `here` passed its own.
    let callers = unsafe { &mut *callers.cast::<Callers>() };
    if callers.count == CALLERS_MAX {
        return 1;
    }
    // SAFETY: the unwinder's frame.
    callers.addresses[callers.count] = unsafe { _Unwind_GetIP(frame) };
    callers.count += 1;
    0
}

/// Whether a file is the standard library's, or what it is built with, or the runtime's.
#[cfg(feature = "source-lines")]
fn is_foreign(file: &str) -> bool {
    const FOREIGN: [&str; 4] = [
        "/rust/deps/",
        "/library/",
        "asc-runtime/src/",
        "asc-alloc/src/",
    ];
    FOREIGN.iter().any(|part| file.contains(part))
}
