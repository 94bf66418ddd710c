//! System calls that have no place in a handler.
//!
//! A handler is run twice and may be undone; a message sent, a file written or a thread started by
//! the first run cannot be. Such a call ends the program with its name and the way out, instead of
//! happening twice.

use super::Returned;
use super::context::current;
use super::integrity::received;
use super::sys::private_entry;
use crate::refuse::refuse;

/// Refuses a call of `function` by the handler in progress.
#[cold]
pub(crate) fn refuse_call(function: &str) -> ! {
    refuse(format_args!(
        "handler `{}` calls `{function}`: a handler runs twice, so input and output belong outside \
         it. Read what it needs before the call and pass it in, or ask for it in `effect`; return \
         what is to be sent, write it to an `Output`, or send it in `after_commit`",
        current().handler_name(),
    ))
}

/// The same for functions that receive bytes, which outside of handlers may arrive under codes.
macro_rules! refused_or_received {
    ($($name:ident $wrap:ident;)*) => {
        $(
            const _: () = {
                private_entry! {
                    #[unsafe(no_mangle)]
                    fn $wrap();
                    outside = received::$name; inside = inside;
                }
                extern "C" fn inside() -> Returned {
                    refuse_call(stringify!($name))
                }
            };
        )*
    };
}

refused_or_received! {
    read __wrap_read;
    readv __wrap_readv;
    pread64 __wrap_pread64;
    recv __wrap_recv;
    recvfrom __wrap_recvfrom;
}

/// Defines the linked-in replacement of a C function: refused inside handlers, itself outside.
macro_rules! refused {
    ($($name:ident $wrap:ident $real:ident;)*) => {
        $(
            const _: () = {
                #[allow(
                    clashing_extern_declarations,
                    reason = "`write` has its own signature elsewhere; here it is only jumped to"
                )]
                unsafe extern "C" {
                    fn $real();
                }
                private_entry! {
                    #[unsafe(no_mangle)]
                    fn $wrap();
                    outside = $real; inside = inside;
                }
                extern "C" fn inside() -> Returned {
                    refuse_call(stringify!($name))
                }
            };
        )*
    };
}

refused! {
    write __wrap_write __real_write;
    writev __wrap_writev __real_writev;
    pwrite64 __wrap_pwrite64 __real_pwrite64;
    send __wrap_send __real_send;
    sendto __wrap_sendto __real_sendto;
    sendmsg __wrap_sendmsg __real_sendmsg;
    recvmsg __wrap_recvmsg __real_recvmsg;
    open __wrap_open __real_open;
    open64 __wrap_open64 __real_open64;
    openat __wrap_openat __real_openat;
    openat64 __wrap_openat64 __real_openat64;
    close __wrap_close __real_close;
    socket __wrap_socket __real_socket;
    connect __wrap_connect __real_connect;
    bind __wrap_bind __real_bind;
    listen __wrap_listen __real_listen;
    accept __wrap_accept __real_accept;
    accept4 __wrap_accept4 __real_accept4;
    fork __wrap_fork __real_fork;
    vfork __wrap_vfork __real_vfork;
    execve __wrap_execve __real_execve;
    execvp __wrap_execvp __real_execvp;
    posix_spawn __wrap_posix_spawn __real_posix_spawn;
    posix_spawnp __wrap_posix_spawnp __real_posix_spawnp;
    pthread_create __wrap_pthread_create __real_pthread_create;
    nanosleep __wrap_nanosleep __real_nanosleep;
    clock_nanosleep __wrap_clock_nanosleep __real_clock_nanosleep;
    usleep __wrap_usleep __real_usleep;
    sleep __wrap_sleep __real_sleep;
    poll __wrap_poll __real_poll;
    ppoll __wrap_ppoll __real_ppoll;
    select __wrap_select __real_select;
    epoll_wait __wrap_epoll_wait __real_epoll_wait;
    epoll_pwait __wrap_epoll_pwait __real_epoll_pwait;
    unlink __wrap_unlink __real_unlink;
    rename __wrap_rename __real_rename;
    mkdir __wrap_mkdir __real_mkdir;
    rmdir __wrap_rmdir __real_rmdir;
    fsync __wrap_fsync __real_fsync;
    fdatasync __wrap_fdatasync __real_fdatasync;
    ftruncate64 __wrap_ftruncate64 __real_ftruncate64;
    lseek64 __wrap_lseek64 __real_lseek64;
    ioctl __wrap_ioctl __real_ioctl;
    dup __wrap_dup __real_dup;
    dup2 __wrap_dup2 __real_dup2;
    dup3 __wrap_dup3 __real_dup3;
    pipe __wrap_pipe __real_pipe;
    pipe2 __wrap_pipe2 __real_pipe2;
    kill __wrap_kill __real_kill;
    mmap __wrap_mmap __real_mmap;
    mmap64 __wrap_mmap64 __real_mmap64;
    munmap __wrap_munmap __real_munmap;
    mprotect __wrap_mprotect __real_mprotect;
}
