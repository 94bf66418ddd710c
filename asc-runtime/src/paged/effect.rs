//! Clocks, random bytes, the processor's number and thread-local destructors inside handlers.
//!
//! Asked for once, in the first run, and replayed in the second. A thread-local destructor is registered
//! once, at commit. These functions of the C library are defined here, and the linker prefers what the
//! program defines; outside handlers they continue in the C library's own, found by name.
//!
//! The answer travels in two registers and is stored by code that belongs to the handler, so that it is
//! noted like any other store.
//!
//! Events: `Effect [function, argument, 0, 0] -> [answer, answer]` and
//! `ThreadExit [destructor, object, library, 0] -> [0, 0]`.

use core::ffi::{CStr, c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::Returned;
use super::context::current;
use super::event_log::{Event, Kind};
use super::sys::{handler_active, private_entry};

/// In the place of a function: the closure of an effect.
pub(crate) const CLOSURE: u64 = 64;

/// The functions below, as events name them.
#[derive(Debug, Clone, Copy)]
#[repr(u64)]
enum Function {
    ClockGettime = 1,
    GetTimeOfDay,
    Time,
    GetRandom,
    GetProcessor,
}

/// Bytes that one event carries.
const ANSWER_BYTES: usize = 16;

/// A function of the C library behind ours of the same name.
struct Real {
    name: &'static CStr,
    address: AtomicPtr<c_void>,
}

impl Real {
    const fn new(name: &'static CStr) -> Self {
        Self {
            name,
            address: AtomicPtr::new(ptr::null_mut()),
        }
    }

    #[inline]
    fn get(&self) -> *mut c_void {
        let address = self.address.load(Ordering::Relaxed);
        if address.is_null() {
            self.find()
        } else {
            address
        }
    }

    #[cold]
    fn find(&self) -> *mut c_void {
        // SAFETY: a C string.
        let found = unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()) };
        if found.is_null() {
            std::process::abort();
        }
        self.address.store(found, Ordering::Relaxed);
        found
    }
}

static CLOCK_GETTIME: Real = Real::new(c"clock_gettime");
static GETTIMEOFDAY: Real = Real::new(c"gettimeofday");
static TIME: Real = Real::new(c"time");
static GETRANDOM: Real = Real::new(c"getrandom");
static GETENTROPY: Real = Real::new(c"getentropy");
static SCHED_GETCPU: Real = Real::new(c"sched_getcpu");
static THREAD_ATEXIT: Real = Real::new(c"__cxa_thread_atexit_impl");

/// Finds all of them, outside of every handler.
pub(crate) fn prepare() {
    for real in [
        &CLOCK_GETTIME,
        &GETTIMEOFDAY,
        &TIME,
        &GETRANDOM,
        &GETENTROPY,
        &SCHED_GETCPU,
        &THREAD_ATEXIT,
    ] {
        real.get();
    }
}

private_entry! {
    /// Asks once, in the first run. Inside handlers only.
    fn asc_effect(function: u64, argument: u64) -> Returned;
    outside = ask_inside; inside = ask_inside;
}

extern "C" fn ask_inside(function: u64, argument: u64) -> Returned {
    let context = current();
    let operands = [function, argument, 0, 0];
    let outcome = context
        .events
        .step(Kind::Effect, operands, |_| perform(function, argument));
    Returned::words(context.demand(outcome))
}

fn ask(function: Function, argument: u64) -> [u64; 2] {
    // SAFETY: a handler is active.
    let Returned { low, high } = unsafe { asc_effect(function as u64, argument) };
    [low, high]
}

fn perform(function: u64, argument: u64) -> [u64; 2] {
    if function == Function::ClockGettime as u64 {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let failed = real_clock_gettime(argument as libc::clockid_t, &raw mut time) != 0;
        let nanoseconds = if failed {
            u64::MAX
        } else {
            time.tv_nsec as u64
        };
        [time.tv_sec as u64, nanoseconds]
    } else if function == Function::GetTimeOfDay as u64 {
        let mut time = libc::timeval {
            tv_sec: 0,
            tv_usec: 0,
        };
        real_gettimeofday(&raw mut time);
        [time.tv_sec as u64, time.tv_usec as u64]
    } else if function == Function::Time as u64 {
        [real_time() as u64, 0]
    } else if function == Function::GetRandom as u64 {
        let mut bytes = [0_u64; 2];
        let got = real_getrandom(bytes.as_mut_ptr().cast(), ANSWER_BYTES, 0);
        if got != ANSWER_BYTES as isize {
            std::process::abort();
        }
        bytes
    } else {
        [real_sched_getcpu() as u64, 0]
    }
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn clock_gettime(
    clock: libc::clockid_t,
    time: *mut libc::timespec,
) -> c_int {
    if !handler_active() {
        return real_clock_gettime(clock, time);
    }
    let [seconds, nanoseconds] = ask(Function::ClockGettime, clock as u64);
    if nanoseconds == u64::MAX {
        // SAFETY: asks for a place.
        let errno = unsafe { libc::__errno_location() };
        // SAFETY: this thread's errno.
        unsafe { errno.write(libc::EINVAL) };
        return -1;
    }
    let answer = libc::timespec {
        tv_sec: seconds as i64,
        tv_nsec: nanoseconds as i64,
    };
    // SAFETY: the caller's place for the time.
    unsafe { time.write(answer) };
    0
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn gettimeofday(
    time: *mut libc::timeval,
    _zone: *mut c_void,
) -> c_int {
    if !handler_active() {
        return real_gettimeofday(time);
    }
    let [seconds, microseconds] = ask(Function::GetTimeOfDay, 0);
    let answer = libc::timeval {
        tv_sec: seconds as i64,
        tv_usec: microseconds as i64,
    };
    if !time.is_null() {
        // SAFETY: the caller's place for the time.
        unsafe { time.write(answer) };
    }
    0
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn time(place: *mut libc::time_t) -> libc::time_t {
    let now = if handler_active() {
        ask(Function::Time, 0)[0] as libc::time_t
    } else {
        real_time()
    };
    if !place.is_null() {
        // SAFETY: the caller's place for the time.
        unsafe { place.write(now) };
    }
    now
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn getrandom(buffer: *mut u8, length: usize, flags: u32) -> isize {
    if !handler_active() {
        return real_getrandom(buffer, length, flags);
    }
    // SAFETY: the caller's contract is passed on.
    unsafe { fill(buffer, length) };
    length as isize
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn getentropy(buffer: *mut u8, length: usize) -> c_int {
    if !handler_active() {
        // SAFETY: the C library's function of that name.
        let function: extern "C" fn(*mut u8, usize) -> c_int =
            unsafe { core::mem::transmute(GETENTROPY.get()) };
        return function(buffer, length);
    }
    // SAFETY: the caller's contract is passed on.
    unsafe { fill(buffer, length) };
    0
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn sched_getcpu() -> c_int {
    if handler_active() {
        ask(Function::GetProcessor, 0)[0] as c_int
    } else {
        real_sched_getcpu()
    }
}

/// Random bytes for a handler.
///
/// # Safety
/// `buffer` is valid for writes of `length` bytes.
unsafe fn fill(buffer: *mut u8, length: usize) {
    for offset in (0..length).step_by(ANSWER_BYTES) {
        let answer = ask(Function::GetRandom, offset as u64);
        let bytes = ANSWER_BYTES.min(length - offset);
        // SAFETY: by contract; the answer holds that many.
        unsafe {
            ptr::copy_nonoverlapping(answer.as_ptr().cast(), buffer.wrapping_add(offset), bytes);
        }
    }
}

private_entry! {
    /// # Safety
    /// As the C library's.
    #[unsafe(no_mangle)]
    pub(super) fn __cxa_thread_atexit_impl(destructor: usize, object: usize, library: usize) -> c_int;
    outside = real_thread_atexit; inside = thread_exit;
}

extern "C" fn thread_exit(destructor: usize, object: usize, library: usize) -> Returned {
    let operands = [destructor as u64, object as u64, library as u64, 0];
    let context = current();
    let outcome = context.events.step(Kind::ThreadExit, operands, |_| [0; 2]);
    context.demand(outcome);
    Returned::NOTHING
}

/// Registers a thread-local destructor that was deferred to the commit.
pub(crate) fn carry_out(event: &Event) {
    let [destructor, object, library, _] = event.operands.map(|word| word as usize);
    real_thread_atexit(destructor, object, library);
}

fn real_clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int {
    // SAFETY: the C library's function of that name.
    let function: extern "C" fn(libc::clockid_t, *mut libc::timespec) -> c_int =
        unsafe { core::mem::transmute(CLOCK_GETTIME.get()) };
    function(clock, time)
}

fn real_gettimeofday(time: *mut libc::timeval) -> c_int {
    // SAFETY: the C library's function of that name.
    let function: extern "C" fn(*mut libc::timeval, *mut c_void) -> c_int =
        unsafe { core::mem::transmute(GETTIMEOFDAY.get()) };
    function(time, ptr::null_mut())
}

fn real_time() -> libc::time_t {
    // SAFETY: the C library's function of that name.
    let function: extern "C" fn(*mut libc::time_t) -> libc::time_t =
        unsafe { core::mem::transmute(TIME.get()) };
    function(ptr::null_mut())
}

fn real_getrandom(buffer: *mut u8, length: usize, flags: u32) -> isize {
    // SAFETY: the C library's function of that name.
    let function: extern "C" fn(*mut u8, usize, u32) -> isize =
        unsafe { core::mem::transmute(GETRANDOM.get()) };
    function(buffer, length, flags)
}

fn real_sched_getcpu() -> c_int {
    // SAFETY: the C library's function of that name.
    let function: extern "C" fn() -> c_int = unsafe { core::mem::transmute(SCHED_GETCPU.get()) };
    function()
}

extern "C" fn real_thread_atexit(destructor: usize, object: usize, library: usize) -> c_int {
    // SAFETY: the C library's function of that name.
    let function: extern "C" fn(usize, usize, usize) -> c_int =
        unsafe { core::mem::transmute(THREAD_ATEXIT.get()) };
    function(destructor, object, library)
}
