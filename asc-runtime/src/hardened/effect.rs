//! Clocks, randomness, the processor's number and thread-local destructors inside handlers.
//!
//! Clocks, random bytes and the like are asked for once, in the first run, and replayed in the
//! second, so that a handler stays a function of its state, its message and these answers. A
//! thread-local destructor is registered once, at commit.
//!
//! Events: `Effect [function, argument, argument, length] -> [result and errno, payload offset]`
//! and `ThreadExit [destructor, object, library, 0] -> [0, 0]`.

use core::ffi::{c_int, c_long, c_void};
use core::ptr;

use super::Returned;
use super::context::current;
use super::event_log::{Event, Kind};
use super::integrity::received;
use super::refusal::refuse_call;
use super::sys::private_entry;
use super::undo_log::own_words;

/// The functions below, as events name them.
#[derive(Debug, Clone, Copy)]
#[repr(u64)]
pub(crate) enum Function {
    ClockGettime = 1,
    GetTimeOfDay,
    Time,
    GetRandom,
    GetEntropy,
    GetProcessor,
    SystemCall,
    /// See [`super::closure`].
    Closure,
}

unsafe extern "C" {
    fn __real_clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int;
    fn __real_gettimeofday(time: *mut libc::timeval, zone: *mut c_void) -> c_int;
    fn __real_time(time: *mut libc::time_t) -> libc::time_t;
    fn __real_getrandom(buffer: *mut u8, length: usize, flags: u32) -> isize;
    fn __real_getentropy(buffer: *mut u8, length: usize) -> c_int;
    fn __real_sched_getcpu() -> c_int;
    fn __real_syscall(number: c_long, ...) -> c_long;
    fn __real___cxa_thread_atexit_impl(destructor: usize, object: usize, library: usize) -> c_int;
}

private_entry! {
    #[unsafe(no_mangle)]
    fn __wrap_clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int;
    outside = __real_clock_gettime; inside = clock_gettime;
}
private_entry! {
    #[unsafe(no_mangle)]
    fn __wrap_gettimeofday(time: *mut libc::timeval, zone: *mut c_void) -> c_int;
    outside = __real_gettimeofday; inside = gettimeofday;
}
private_entry! {
    #[unsafe(no_mangle)]
    fn __wrap_time(time: *mut libc::time_t) -> libc::time_t;
    outside = __real_time; inside = current_time;
}
private_entry! {
    #[unsafe(no_mangle)]
    fn __wrap_getrandom(buffer: *mut u8, length: usize, flags: u32) -> isize;
    outside = received::getrandom; inside = getrandom;
}
private_entry! {
    #[unsafe(no_mangle)]
    fn __wrap_getentropy(buffer: *mut u8, length: usize) -> c_int;
    outside = __real_getentropy; inside = getentropy;
}
private_entry! {
    #[unsafe(no_mangle)]
    fn __wrap_sched_getcpu() -> c_int;
    outside = __real_sched_getcpu; inside = sched_getcpu;
}
private_entry! {
    #[unsafe(no_mangle)]
    fn __wrap_syscall(number: c_long, a: usize, b: usize, c: usize, d: usize, e: usize) -> c_long;
    outside = __real_syscall; inside = system_call;
}
private_entry! {
    #[unsafe(no_mangle)]
    fn __wrap___cxa_thread_atexit_impl(destructor: usize, object: usize, library: usize) -> c_int;
    outside = __real___cxa_thread_atexit_impl; inside = thread_exit;
}

/// The functions whose answers are recorded, by the names they have in the C library.
pub(crate) fn recorded_functions() -> impl Iterator<Item = (&'static str, *const c_void)> {
    [
        ("clock_gettime", __wrap_clock_gettime as *const c_void),
        ("gettimeofday", __wrap_gettimeofday as *const c_void),
        ("time", __wrap_time as *const c_void),
        ("getrandom", __wrap_getrandom as *const c_void),
        ("getentropy", __wrap_getentropy as *const c_void),
        ("sched_getcpu", __wrap_sched_getcpu as *const c_void),
    ]
    .into_iter()
}

unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> Returned {
    let mut answer = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    answered(
        Function::ClockGettime,
        clock as u64,
        time.cast(),
        size_of_val(&answer),
        |buffer| {
            // SAFETY: the answer is a valid place for a time.
            let result = unsafe { __real_clock_gettime(clock, &raw mut answer) };
            // SAFETY: the buffer holds a time.
            unsafe { buffer.cast::<libc::timespec>().write_unaligned(answer) };
            i64::from(result)
        },
    )
}

unsafe extern "C" fn gettimeofday(time: *mut libc::timeval, _zone: *mut c_void) -> Returned {
    answered(
        Function::GetTimeOfDay,
        0,
        time.cast(),
        size_of::<libc::timeval>(),
        |buffer| {
            // SAFETY: the buffer holds a time; the obsolete zone is never filled in.
            i64::from(unsafe { __real_gettimeofday(buffer.cast(), ptr::null_mut()) })
        },
    )
}

unsafe extern "C" fn current_time(time: *mut libc::time_t) -> Returned {
    let length = if time.is_null() {
        0
    } else {
        size_of::<libc::time_t>()
    };
    answered(Function::Time, 0, time.cast(), length, |buffer| {
        // SAFETY: null asks for the result alone.
        let now = unsafe { __real_time(ptr::null_mut()) };
        if length > 0 {
            // SAFETY: the buffer holds a time.
            unsafe { buffer.cast::<libc::time_t>().write_unaligned(now) };
        }
        now
    })
}

unsafe extern "C" fn getrandom(buffer: *mut u8, length: usize, flags: u32) -> Returned {
    answered(
        Function::GetRandom,
        u64::from(flags),
        buffer,
        length,
        |buffer| {
            // SAFETY: the buffer holds `length` bytes.
            unsafe { __real_getrandom(buffer, length, flags) as i64 }
        },
    )
}

unsafe extern "C" fn getentropy(buffer: *mut u8, length: usize) -> Returned {
    answered(Function::GetEntropy, 0, buffer, length, |buffer| {
        // SAFETY: the buffer holds `length` bytes.
        i64::from(unsafe { __real_getentropy(buffer, length) })
    })
}

/// The thread may have moved to another processor before the second run.
extern "C" fn sched_getcpu() -> Returned {
    answered(Function::GetProcessor, 0, ptr::null_mut(), 0, |_| {
        // SAFETY: takes no arguments.
        i64::from(unsafe { __real_sched_getcpu() })
    })
}

/// The few raw system calls that have a place in a handler: randomness, and the waiting and
/// waking behind locks.
unsafe extern "C" fn system_call(
    number: c_long,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    e: usize,
) -> Returned {
    let f = own_words().seventh_argument as usize;
    match number {
        libc::SYS_getrandom => {
            answered(
                Function::SystemCall,
                number as u64,
                ptr::with_exposed_provenance_mut(a),
                b,
                |buffer| {
                    // SAFETY: the buffer holds `b` bytes.
                    unsafe { __real_syscall(number, buffer, b, c) }
                },
            )
        }
        libc::SYS_futex | libc::SYS_sched_yield | libc::SYS_gettid | libc::SYS_membarrier => {
            answered(
                Function::SystemCall,
                number as u64,
                ptr::null_mut(),
                0,
                |_| {
                    // SAFETY: the application's own arguments; these calls write nothing.
                    unsafe { __real_syscall(number, a, b, c, d, e, f) }
                },
            )
        }
        _ => refuse_call("syscall"),
    }
}

/// Registers at commit: a registration in each run would run the destructor twice.
extern "C" fn thread_exit(destructor: usize, object: usize, library: usize) -> Returned {
    let context = current();
    let operands = [destructor as u64, object as u64, library as u64, 0];
    let outcome = context.events.step(Kind::ThreadExit, operands, |_| [0, 0]);
    context.demand(outcome);
    Returned::word(0)
}

/// Carries out a registration that was deferred to the commit.
///
/// # Safety
/// The event is of kind `ThreadExit`, verified, and carried out once.
pub(crate) unsafe fn carry_out(event: &Event) {
    let [destructor, object, library, _] = event.operands.map(|word| word as usize);
    // SAFETY: the application's own arguments. Failure means memory exhaustion, in which case the
    // destructor does not run: a leak, not an error.
    unsafe { __real___cxa_thread_atexit_impl(destructor, object, library) };
}

/// Whether a recorded effect has left no trace in the world.
pub(crate) fn only_asks(event: &Event) -> bool {
    event.operands[0] != Function::Closure as u64
}

/// Asks once and replays: `ask` fills a buffer of `length` bytes and returns the call's result.
fn answered(
    function: Function,
    argument: u64,
    target: *mut u8,
    length: usize,
    ask: impl FnOnce(*mut u8) -> i64,
) -> Returned {
    let context = current();
    let operands = [
        function as u64,
        argument,
        target.expose_provenance() as u64,
        length as u64,
    ];
    let outcome = context.events.step(Kind::Effect, operands, |log| {
        let offset = log.reserve(length);
        let result = ask(log.payload(offset));
        [pack(result), offset]
    });
    let [result, offset] = context.demand(outcome);
    if length > 0 {
        if !context.is_local(target.addr()) {
            context.store(target.addr(), length);
        }
        // SAFETY: the application passed a place for `length` bytes; the payload holds as many.
        unsafe { target.copy_from_nonoverlapping(context.events.payload(offset), length) };
    }
    Returned::word(unpack(result) as u64)
}

/// The result, and errno in the upper half when the call failed.
fn pack(result: i64) -> u64 {
    if result != -1 {
        return result as u64;
    }
    // SAFETY: this thread's own word.
    let errno = unsafe { errno_location().read() };
    FAILED | errno as u64
}

/// The result; sets errno as the recorded call did.
fn unpack(packed: u64) -> i64 {
    if packed & FAILED != FAILED {
        return packed as i64;
    }
    // SAFETY: this thread's own word.
    unsafe { errno_location().write((packed & 0xFFFF) as c_int) };
    -1
}

/// Where the C library keeps the thread's errno: valid while the thread lives.
pub(crate) fn errno_location() -> *mut c_int {
    // SAFETY: a function without conditions.
    unsafe { libc::__errno_location() }
}

/// No successful result looks like this.
const FAILED: u64 = 0xFA11_ED00_0000_0000;
