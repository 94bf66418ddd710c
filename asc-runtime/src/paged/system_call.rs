//! System calls of a handler.
//!
//! A handler is run twice and may be undone; a message sent or a file written by the first run cannot
//! be. While a handler's own code runs, the kernel hands each of its system calls to SIGSYS instead of
//! carrying it out, whether the C library or inline assembly makes it (Syscall User Dispatch, Linux 5.11).
//!
//! | call | what happens |
//! |---|---|
//! | ends the process, yields, wakes or waits at a futex, gives advice about memory | carried out in each run |
//! | everything else | refused by its name: the process ends with [`crate::EXIT_REFUSED`] |
//!
//! Clocks and random bytes do not come here: [`super::effect`] answers them.

use core::ffi::{c_int, c_long, c_ulong};

use crate::refuse::refuse;

use super::context::Context;
use super::sys::frame::Frame;
use super::sys::thread_words;

const PR_SET_SYSCALL_USER_DISPATCH: c_int = 59;
const DISPATCH_ON: c_ulong = 1;
/// Bytes of the code by which signal handlers return: a system call too, and always allowed.
const RETURN_BYTES: c_ulong = 16;

/// What the kernel's `rt_sigaction` fills in.
#[repr(C)]
struct KernelAction {
    handler: usize,
    flags: c_ulong,
    restorer: usize,
    mask: u64,
}

/// Calls that are carried out in each run: they do not reach anybody outside of the process, and change
/// nothing that a handler can look at.
const ALLOWED: [c_long; 10] = [
    libc::SYS_exit_group,
    libc::SYS_exit,
    libc::SYS_tgkill,
    libc::SYS_rt_sigprocmask,
    libc::SYS_sched_yield,
    libc::SYS_futex,
    libc::SYS_madvise,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_rt_sigreturn,
];

/// Has the kernel dispatch this thread's system calls while its `active` word is 1. False when the kernel
/// cannot.
pub(crate) fn dispatch() -> bool {
    let Some(restorer) = restorer() else {
        return false;
    };
    // SAFETY: the selector is this thread's word, which lives as long as the thread.
    let selector = unsafe { &raw const (*thread_words()).active };
    // SAFETY: as above; the range is the code of the C library's signal return.
    unsafe {
        libc::prctl(
            PR_SET_SYSCALL_USER_DISPATCH,
            DISPATCH_ON,
            restorer as c_ulong,
            RETURN_BYTES,
            selector,
        ) == 0
    }
}

/// Whether the kernel can dispatch at all: turning it off needs nothing else.
pub(crate) fn is_offered() -> bool {
    let off: c_ulong = 0;
    let nothing: c_ulong = 0;
    // SAFETY: four integers; the thread has no dispatch of this module's yet.
    unsafe { libc::prctl(PR_SET_SYSCALL_USER_DISPATCH, off, nothing, nothing, nothing) == 0 }
}

/// Where signal handlers return to.
fn restorer() -> Option<usize> {
    let mut action = KernelAction {
        handler: 0,
        flags: 0,
        restorer: 0,
        mask: 0,
    };
    let (nothing, mask_bytes) = (core::ptr::null::<u8>(), size_of::<u64>());
    // SAFETY: only asks; the structure is the kernel's.
    let status = unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            libc::SIGSYS,
            nothing,
            &raw mut action,
            mask_bytes,
        )
    };
    (status == 0 && action.restorer != 0).then_some(action.restorer)
}

/// Carries a call out or refuses it.
pub(crate) fn answer(context: &mut Context, frame: &Frame) {
    let number = c_long::from(frame.system_call());
    if !ALLOWED.contains(&number) {
        refuse_call(context, number);
    }
    let argument = |index| frame.register(index);
    // SAFETY: the handler made this call; it is one of those above.
    let result = unsafe {
        libc::syscall(
            number,
            argument(libc::REG_RDI),
            argument(libc::REG_RSI),
            argument(libc::REG_RDX),
            argument(libc::REG_R10),
            argument(libc::REG_R8),
            argument(libc::REG_R9),
        )
    };
    let result = if result == -1 {
        // SAFETY: asks for a place.
        let errno = unsafe { libc::__errno_location() };
        // SAFETY: this thread's errno.
        -i64::from(unsafe { errno.read() })
    } else {
        result
    };
    frame.set_register(libc::REG_RAX, result);
}

#[cold]
fn refuse_call(context: &Context, number: c_long) -> ! {
    let handler = context.handler_name();
    let advice = "a handler runs twice, so input and output belong outside it. Read what it needs \
                  before the call and pass it in; return what is to be sent, or write it to an \
                  `Output`, and send it afterwards";
    match name(number) {
        Some(name) => refuse(format_args!("handler `{handler}` calls `{name}`: {advice}")),
        None => refuse(format_args!(
            "handler `{handler}` makes system call {number}: {advice}"
        )),
    }
}

macro_rules! names {
    ($($name:ident = $number:ident,)*) => {
        fn name(number: c_long) -> Option<&'static str> {
            Some(match number {
                $(libc::$number => stringify!($name),)*
                _ => return None,
            })
        }
    };
}

names! {
    read = SYS_read,
    write = SYS_write,
    open = SYS_open,
    openat = SYS_openat,
    close = SYS_close,
    readv = SYS_readv,
    writev = SYS_writev,
    pread64 = SYS_pread64,
    pwrite64 = SYS_pwrite64,
    stat = SYS_stat,
    statx = SYS_statx,
    fstat = SYS_fstat,
    lseek = SYS_lseek,
    mmap = SYS_mmap,
    munmap = SYS_munmap,
    mprotect = SYS_mprotect,
    mremap = SYS_mremap,
    brk = SYS_brk,
    ioctl = SYS_ioctl,
    pipe = SYS_pipe,
    pipe2 = SYS_pipe2,
    dup = SYS_dup,
    dup2 = SYS_dup2,
    dup3 = SYS_dup3,
    fcntl = SYS_fcntl,
    socket = SYS_socket,
    connect = SYS_connect,
    bind = SYS_bind,
    listen = SYS_listen,
    accept = SYS_accept,
    accept4 = SYS_accept4,
    sendto = SYS_sendto,
    recvfrom = SYS_recvfrom,
    sendmsg = SYS_sendmsg,
    recvmsg = SYS_recvmsg,
    shutdown = SYS_shutdown,
    poll = SYS_poll,
    ppoll = SYS_ppoll,
    select = SYS_select,
    epoll_wait = SYS_epoll_wait,
    epoll_pwait = SYS_epoll_pwait,
    nanosleep = SYS_nanosleep,
    clock_nanosleep = SYS_clock_nanosleep,
    clone = SYS_clone,
    clone3 = SYS_clone3,
    fork = SYS_fork,
    vfork = SYS_vfork,
    execve = SYS_execve,
    kill = SYS_kill,
    mkdir = SYS_mkdir,
    rmdir = SYS_rmdir,
    rename = SYS_rename,
    unlink = SYS_unlink,
    fsync = SYS_fsync,
    fdatasync = SYS_fdatasync,
    ftruncate = SYS_ftruncate,
    getrandom = SYS_getrandom,
    clock_gettime = SYS_clock_gettime,
    rt_sigaction = SYS_rt_sigaction,
}
