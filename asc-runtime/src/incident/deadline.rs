//! The end of a process that has something to do before it ends, come what may.
//!
//! A struck handler is run again before the process stops, to find out what kind of fault it was, and
//! the program's own callback is called. Both may crash or hang on state that is corrupt.
//!
//! 1. [`set`] gives the process [`SECONDS`] to live, and takes over the signals of crashes.
//! 2. If one of them comes, the last words are written and the process ends as it would have.
//!
//! Other threads of the process go on meanwhile; a crash of theirs ends it too, likewise.
//!
//! Page mode needs the signals of faults itself, for the pages that are opened: they stay with it, and it
//! calls [`cut_short_if_set`] for those that are nobody's.

use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::text::Line;

/// How long a process that is about to stop may go on.
const SECONDS: i64 = 2;

const SIGNALS: [c_int; 4] = [libc::SIGALRM, libc::SIGILL, libc::SIGFPE, libc::SIGABRT];
const FAULTS: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// What is written if the process is cut short.
struct LastWords(UnsafeCell<Line>);

// SAFETY: written once, by the thread that owns the end of the process, before `UNSPOKEN` says so; only
// read from then on.
unsafe impl Sync for LastWords {}

static LAST_WORDS: LastWords = LastWords(UnsafeCell::new(Line::new()));
/// Whether a thread has set the deadline.
static OWNER: AtomicBool = AtomicBool::new(false);
/// Whether there are last words that are not out.
static UNSPOKEN: AtomicBool = AtomicBool::new(false);

const STACK_BYTES: usize = 32 << 10;

/// A stack for the signal handler: the thread's own may be what overflowed.
#[repr(align(16))]
struct Stack(UnsafeCell<[u8; STACK_BYTES]>);

// SAFETY: the kernel uses it, for the one thread that owns the end of the process.
unsafe impl Sync for Stack {}

static STACK: Stack = Stack(UnsafeCell::new([0; STACK_BYTES]));

/// Gives the process a little more time. From now on it ends with
/// [`EXIT_FAULT`](crate::EXIT_FAULT), whatever happens; `last_words` are written if it is cut short.
///
/// Only the first thread that asks gets time: says whether this was it.
pub(crate) fn set(last_words: Option<&Line>) -> bool {
    if OWNER.swap(true, Ordering::AcqRel) {
        return false;
    }
    if let Some(words) = last_words {
        // SAFETY: `OWNER` makes this the only writer, and nobody reads before `UNSPOKEN`.
        unsafe { *LAST_WORDS.0.get() = *words };
        UNSPOKEN.store(true, Ordering::Release);
    }
    take_signals();
    start_timer();
    true
}

/// Forgets the last words: something better is about to be written.
pub(crate) fn take_back_last_words() {
    UNSPOKEN.store(false, Ordering::Release);
}

/// Writes the last words of the thread that has set the deadline, if they are not out yet.
pub(crate) fn speak_last_words() {
    if UNSPOKEN.swap(false, Ordering::AcqRel) {
        // SAFETY: `UNSPOKEN` says that they were written, and nobody writes any more.
        super::sinks::write(unsafe { &*LAST_WORDS.0.get() });
    }
}

/// Ends the process if a thread has set the deadline: for whoever would end it in another way.
/// Async-signal-safe.
pub(crate) fn cut_short_if_set() {
    if OWNER.load(Ordering::Acquire) {
        cut_short(0);
    }
}

fn take_signals() {
    let leaves_faults = leaves_faults();
    if !leaves_faults {
        take_signal_stack();
    }
    // SAFETY: zeroes are a valid action and an empty set.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = cut_short as extern "C" fn(c_int) as usize;
    action.sa_flags = libc::SA_ONSTACK | libc::SA_NODEFER;
    // SAFETY: as above.
    let mut unblocked: libc::sigset_t = unsafe { MaybeUninit::zeroed().assume_init() };
    for signal in SIGNALS.into_iter().chain(FAULTS) {
        if !(leaves_faults && FAULTS.contains(&signal)) {
            // SAFETY: a valid action, whose handler calls async-signal-safe functions only.
            unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
        }
        // SAFETY: a valid set and signal.
        unsafe { libc::sigaddset(&raw mut unblocked, signal) };
    }
    // SAFETY: a valid set.
    unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const unblocked, ptr::null_mut()) };
}

/// Whether somebody else handles faults, on signal stacks of their own.
fn leaves_faults() -> bool {
    #[cfg(all(feature = "page", not(asc)))]
    return crate::paged::is_started();
    #[cfg(not(all(feature = "page", not(asc))))]
    false
}

fn take_signal_stack() {
    let stack = libc::stack_t {
        ss_sp: STACK.0.get().cast(),
        ss_flags: 0,
        ss_size: STACK_BYTES,
    };
    // SAFETY: a static stack of that size.
    unsafe { libc::sigaltstack(&raw const stack, ptr::null_mut()) };
}

fn start_timer() {
    let timer = libc::itimerval {
        it_interval: libc::timeval {
            tv_sec: 0,
            tv_usec: 0,
        },
        it_value: libc::timeval {
            tv_sec: SECONDS,
            tv_usec: 0,
        },
    };
    // SAFETY: a valid time. Where it is not allowed there is no time limit.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, ptr::null_mut()) };
}

extern "C" fn cut_short(_signal: c_int) {
    #[cfg(any(asc, feature = "page"))]
    crate::engine::context::leave_handler();
    speak_last_words();
    super::exit();
}
