//! Whether this kernel lets a handler run with ordinary memory closed.
//!
//! The processor's keys are not enough: the kernel must be able to deliver a signal to a thread that may
//! not write to its own signal stack (Linux 6.12). So it is tried, in a child process that a failure may
//! kill.

use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr;

use super::sys::frame::Frame;
use super::sys::{protection_key, restartable};

const STACK_BYTES: usize = 64 << 10;

/// What the child stores to.
struct Word(UnsafeCell<u64>);

// SAFETY: only a child process with one thread touches it.
unsafe impl Sync for Word {}

static WORD: Word = Word(UnsafeCell::new(0));

/// Tries it. The stacks' key is allocated.
pub(crate) fn ordinary_memory_can_be_closed() -> bool {
    // SAFETY: the child calls what is allowed between fork and exit, and ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let works = attempt();
        // SAFETY: ends the child.
        unsafe { libc::_exit(i32::from(!works)) };
    }
    let mut status = 0;
    // SAFETY: waits for this process's own child.
    child > 0
        && unsafe { libc::waitpid(child, &raw mut status, 0) } == child
        && libc::WIFEXITED(status)
        && libc::WEXITSTATUS(status) == 0
}

fn attempt() -> bool {
    restartable::give_up() && take_signals() && store_closed()
}

fn take_signals() -> bool {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let rights = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping.
    let memory = unsafe { libc::mmap(ptr::null_mut(), STACK_BYTES, rights, flags, -1, 0) };
    let stack = libc::stack_t {
        ss_sp: memory,
        ss_flags: 0,
        ss_size: STACK_BYTES,
    };
    // SAFETY: the mapping above; a failed one is refused.
    let prepared = unsafe { libc::sigaltstack(&raw const stack, ptr::null_mut()) } == 0;
    // SAFETY: all zeroes are a valid `sigaction`.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = (open as *const ()).expose_provenance();
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESETHAND;
    // SAFETY: the handler lives as long as the program.
    prepared && unsafe { libc::sigaction(libc::SIGSEGV, &raw const action, ptr::null_mut()) } == 0
}

/// Lets the store that faulted happen.
extern "C" fn open(_signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel's own.
    let frame = unsafe { Frame::new(info, context.cast()) };
    if let Some(rights) = frame.rights() {
        frame.set_rights(rights & !protection_key::ORDINARY_CLOSED);
    }
}

fn store_closed() -> bool {
    let word = WORD.0.get();
    let closed = protection_key::rights() | protection_key::ORDINARY_CLOSED;
    // SAFETY: closes ordinary memory for the one store that follows and faults; the signal handler opens it.
    // In assembly, so that nothing else is stored between.
    unsafe {
        core::arch::asm!(
            "wrpkru",
            "mov qword ptr [{word}], 1",
            word = in(reg) word,
            in("eax") closed,
            in("ecx") 0,
            in("edx") 0,
            options(nostack),
        );
    }
    // SAFETY: the child's own word.
    unsafe { word.read_volatile() == 1 }
}
