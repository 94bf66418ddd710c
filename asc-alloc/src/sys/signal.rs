//! The handler for SIGSEGV and SIGBUS, and what the program had in its place.
//!
//! 1. [`install`] remembers the program's handlers and puts ours in front.
//! 2. A fault that is not ours goes to [`chain`], which does what the kernel would have done: calls the
//!    program's handler with its mask and flags, or restores the default action and lets the fault
//!    happen again, or sends the signal again if a process had sent it.
//! 3. A thread that opens sessions gets an alternate stack from [`prepare_thread`], because the memory
//!    that faults may be its stack.

use core::cell::{Cell, UnsafeCell};
use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr::{NonNull, null_mut};

use super::{memory, thread_exit};

/// Enough for the handler, a backtrace and the largest register state.
const ALTERNATE_STACK_BYTES: usize = 128 * 1024;

pub(crate) const SIGNALS: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

pub(crate) type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

/// The program's own actions, written before ours are installed and only read afterwards.
struct Previous(UnsafeCell<[MaybeUninit<libc::sigaction>; 2]>);

// SAFETY: see the type.
unsafe impl Sync for Previous {}

static PREVIOUS: Previous = Previous(UnsafeCell::new([const { MaybeUninit::uninit() }; 2]));

thread_local! {
    static PREPARED: Cell<bool> = const { Cell::new(false) };
    static OWN_STACK: Cell<Option<NonNull<u8>>> = const { Cell::new(None) };
}

/// Puts `handler` in front of the program's own. Once per process; false when the system refuses.
pub(crate) fn install(handler: Handler) -> bool {
    SIGNALS.iter().enumerate().all(|(index, &signal)| {
        let mut previous = MaybeUninit::uninit();
        // SAFETY: only asks; the structure is ours.
        let asked = unsafe { libc::sigaction(signal, core::ptr::null(), previous.as_mut_ptr()) };
        // SAFETY: no handler of ours is installed for this signal, so nobody reads this element.
        unsafe { (*PREVIOUS.0.get())[index] = previous };
        // SAFETY: all zeroes are a valid `sigaction` with an empty mask.
        let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        action.sa_sigaction = (handler as *const ()).expose_provenance();
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: the handler is async-signal-safe and lives as long as the program.
        asked == 0 && unsafe { libc::sigaction(signal, &raw const action, null_mut()) } == 0
    })
}

/// Does with a signal what would have happened without us.
pub(crate) fn chain(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let index = usize::from(signal != SIGNALS[0]);
    // SAFETY: our handler runs, so the actions were written, and nobody writes them again.
    let previous = unsafe { &(*PREVIOUS.0.get())[index] };
    // SAFETY: likewise.
    let previous = unsafe { previous.assume_init_read() };
    // SAFETY: the kernel passes a valid `siginfo_t`.
    let sent_by_process = unsafe { (*info).si_code } <= 0;
    match previous.sa_sigaction {
        libc::SIG_IGN if sent_by_process => {}
        libc::SIG_DFL | libc::SIG_IGN => default_action(signal, sent_by_process),
        _ => call(&previous, signal, info, context),
    }
}

/// The default action ends the process: restored, it happens as soon as the handler has returned.
/// A fault is repeated by the instruction (the kernel does not let it be ignored either), a signal
/// that was sent is sent again.
fn default_action(signal: c_int, sent_by_process: bool) {
    // SAFETY: the default action touches no memory of ours.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
    if sent_by_process {
        // SAFETY: sends a signal to this thread; it is blocked until the handler returns.
        unsafe { libc::raise(signal) };
    }
}

fn call(
    previous: &libc::sigaction,
    signal: c_int,
    info: *mut libc::siginfo_t,
    context: *mut c_void,
) {
    if previous.sa_flags & libc::SA_RESETHAND != 0 {
        // SAFETY: as the program asked for.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    let mut mask = previous.sa_mask;
    if previous.sa_flags & libc::SA_NODEFER == 0 {
        // SAFETY: the mask is ours and initialised.
        unsafe { libc::sigaddset(&raw mut mask, signal) };
    }
    let mut own = MaybeUninit::uninit();
    if previous.sa_flags & libc::SA_NODEFER != 0 {
        let mut unblocked = MaybeUninit::uninit();
        // SAFETY: initialises the set.
        unsafe { libc::sigemptyset(unblocked.as_mut_ptr()) };
        // SAFETY: the set is initialised.
        unsafe { libc::sigaddset(unblocked.as_mut_ptr(), signal) };
        // SAFETY: both sets are ours; the old mask comes back with the handler's return.
        unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, unblocked.as_ptr(), null_mut()) };
    }
    // SAFETY: both sets are ours.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const mask, own.as_mut_ptr()) };
    // The C library's structure holds the function as an integer, so its provenance is exposed.
    let function = core::ptr::with_exposed_provenance::<()>(previous.sa_sigaction);
    if previous.sa_flags & libc::SA_SIGINFO != 0 {
        // SAFETY: the program installed a function of this type.
        let handler: Handler = unsafe { core::mem::transmute(function) };
        handler(signal, info, context);
    } else {
        // SAFETY: likewise.
        let handler: extern "C" fn(c_int) = unsafe { core::mem::transmute(function) };
        handler(signal);
    }
    // SAFETY: written by the call above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, own.as_ptr(), null_mut()) };
}

/// Gives this thread an alternate stack that is large enough, once. A thread that has a large one
/// keeps it.
pub(crate) fn prepare_thread() -> bool {
    if PREPARED.get() {
        return true;
    }
    let mut present = MaybeUninit::<libc::stack_t>::uninit();
    // SAFETY: only asks; the structure is ours.
    let asked = unsafe { libc::sigaltstack(core::ptr::null(), present.as_mut_ptr()) };
    if asked != 0 {
        return false;
    }
    // SAFETY: the call above filled it in.
    let present = unsafe { present.assume_init() };
    if present.ss_flags & libc::SS_DISABLE != 0 || present.ss_size < ALTERNATE_STACK_BYTES {
        let Some(memory) = memory::map_records(ALTERNATE_STACK_BYTES) else {
            return false;
        };
        let stack = libc::stack_t {
            ss_sp: memory.as_ptr().cast(),
            ss_flags: 0,
            ss_size: ALTERNATE_STACK_BYTES,
        };
        // SAFETY: the mapping is this thread's, until `release_thread` takes it away.
        if unsafe { libc::sigaltstack(&raw const stack, null_mut()) } != 0 {
            return false;
        }
        OWN_STACK.set(Some(memory));
        thread_exit::mark();
    }
    PREPARED.set(true);
    true
}

/// Takes back what [`prepare_thread`] gave; when the thread ends.
pub(crate) fn release_thread() {
    let Some(memory) = OWN_STACK.take() else {
        return;
    };
    let disabled = libc::stack_t {
        ss_sp: null_mut(),
        ss_flags: libc::SS_DISABLE,
        ss_size: ALTERNATE_STACK_BYTES,
    };
    // SAFETY: from here on signals use the thread's own stack.
    if unsafe { libc::sigaltstack(&raw const disabled, null_mut()) } == 0 {
        // SAFETY: no signal handler runs on it: this code does not, and none can start there.
        unsafe { memory::unmap(memory, ALTERNATE_STACK_BYTES) };
    }
    PREPARED.set(false);
}
