//! Signals that a handler's own code raises, and what each of them means.
//!
//! | signal | raised by | what is done |
//! |---|---|---|
//! | SIGSEGV | a store to closed memory | noted ([`super::surroundings`]), and executed alone |
//! | SIGTRAP | the end of that one instruction | the memory is closed again |
//! | SIGSEGV | a handler that goes deeper than before | more of its stack is opened |
//! | SIGSEGV, SIGBUS | a page of protected memory | left to the allocator's page level |
//! | SIGSYS | a system call | [`super::system_call`] |
//!
//! All of them run on the alternate stack. The kernel starts them with rights that leave only ordinary
//! memory open; the stacks are opened first, for whoever looks at the frames. What is not about a handler goes
//! on to whoever had the signal before.

use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;

use asc_alloc::AscAlloc;

use crate::fault::{Fault, Stage};
use crate::incident::deadline;
use crate::refuse::refuse;

use super::context::Context;
use super::store::{self, Action, Repeat, truncated};
use super::sys::frame::Frame;
use super::sys::{leave_address, own_words, protection_key};
use super::system_call;

const SEGV_PKUERR: i32 = 4;
const TRAP_TRACE: i32 = 2;
const SYS_USER_DISPATCH: i32 = 2;

const SIGNALS: [c_int; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGTRAP, libc::SIGSYS];

type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

/// What each signal's action was: written before ours is installed, only read afterwards.
struct Previous(UnsafeCell<[MaybeUninit<libc::sigaction>; SIGNALS.len()]>);

// SAFETY: see the type.
unsafe impl Sync for Previous {}

static PREVIOUS: Previous = Previous(UnsafeCell::new([const { MaybeUninit::zeroed() }; 4]));

/// An instruction that is being executed alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    returns: Option<(i32, usize)>,
}

/// Puts the handlers in front of those that the allocator has just installed. False when the system
/// refuses.
pub(crate) fn install() -> bool {
    SIGNALS.iter().enumerate().all(|(index, &signal)| {
        // SAFETY: all zeroes are a valid `sigaction` with an empty mask.
        let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        action.sa_sigaction = (on_signal as *const ()).expose_provenance();
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        let mut previous = MaybeUninit::zeroed();
        // SAFETY: only asks; the structure is ours.
        let asked = unsafe { libc::sigaction(signal, core::ptr::null(), previous.as_mut_ptr()) };
        // SAFETY: no handler of ours is installed for this signal, so nobody reads this element.
        unsafe { (*PREVIOUS.0.get())[index] = previous };
        // SAFETY: the handler is async-signal-safe and lives as long as the program.
        asked == 0
            && unsafe { libc::sigaction(signal, &raw const action, core::ptr::null_mut()) } == 0
    })
}

/// The process's handler for all of them.
extern "C" fn on_signal(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    protection_key::open_stacks();
    // SAFETY: the C library's errno of this thread, which the interrupted code may be about to read.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let saved = unsafe { *errno };
    let active = own_words().active;
    // System calls are made here, and they are ours.
    own_words().active = 0;
    // SAFETY: the kernel's own.
    let frame = unsafe { Frame::new(info, context.cast()) };
    let handled = match signal {
        libc::SIGSEGV => on_fault(&frame, active != 0),
        libc::SIGTRAP => after_step(&frame),
        libc::SIGSYS => active != 0 && on_system_call(&frame),
        _ => false,
    };
    if !handled {
        if is_crash(signal, &frame) {
            deadline::cut_short_if_set();
        }
        chain(signal, info, context);
    }
    // A run that was abandoned has left the body by the time the frame is loaded.
    own_words().active = active;
    // SAFETY: as above.
    unsafe { *errno = saved };
}

fn on_fault(frame: &Frame, active: bool) -> bool {
    // SAFETY: this thread's words; null or its own context (P2).
    let context = unsafe { own_words().context.as_mut() };
    if frame.code() == SEGV_PKUERR {
        if frame.key() == protection_key::stack_key() {
            return open_stacks_of(frame);
        }
        return match context {
            Some(context) if active && frame.key() == 0 && frame.is_write() => {
                on_store(context, frame);
                true
            }
            _ => false,
        };
    }
    let Some(context) = context else {
        return false;
    };
    if context.stack.is_overflow(frame.address()) {
        refuse(format_args!(
            "handler `{}` exhausts its stack of 8 MiB: recurse less, or keep large values on the heap",
            context.handler_name()
        ));
    }
    context.stack.grow(frame.address())
}

/// Whether a fault is nobody's: those at protected memory are the allocator's.
fn is_crash(signal: c_int, frame: &Frame) -> bool {
    let is_fault = signal == libc::SIGSEGV || signal == libc::SIGBUS;
    let place = core::ptr::without_provenance::<u8>(frame.address());
    is_fault && frame.code() > 0 && !AscAlloc::is_protected(place)
}

/// A thread older than the stacks' key, or a signal handler, reads a stack of a thread with handlers.
fn open_stacks_of(frame: &Frame) -> bool {
    frame
        .rights()
        .is_some_and(|rights| frame.set_rights(protection_key::with_stacks(rights)))
}

fn on_store(context: &mut Context, frame: &Frame) {
    let Some(action) = store::faulting(frame) else {
        refuse(format_args!(
            "handler `{}` stores to {:#x} with an instruction at {:#x} that the runtime does not know",
            context.handler_name(),
            frame.address(),
            frame.register(libc::REG_RIP),
        ));
    };
    let outcome = match action {
        Action::Step { store, returns } => context.surroundings.announce(store).map(|()| {
            context.step = Some(Step { returns });
            frame.step(true);
            frame.set_rights(own_words().open_rights);
        }),
        Action::Repeat(repeat) => context.surroundings.announce(repeat.store).map(|()| {
            carry_out(&repeat, frame);
            context.surroundings.complete(0);
        }),
    };
    if let Err(fault) = outcome {
        abandon(context, frame, fault);
    }
}

/// Copies or fills in the place of a string instruction, and leaves the registers as it would.
fn carry_out(repeat: &Repeat, frame: &Frame) {
    let Repeat {
        store,
        element,
        copies,
        instruction,
    } = *repeat;
    let target = core::ptr::with_exposed_provenance_mut::<u8>(store.address);
    let source = frame.register(libc::REG_RSI);
    let from = core::ptr::with_exposed_provenance::<u8>(source as usize);
    let filler = frame.register(libc::REG_RAX).to_le_bytes();
    for offset in 0..store.length {
        // One byte after the other, upwards, as the processor does where both overlap.
        let byte = if copies {
            // SAFETY: the instruction was about to read it.
            unsafe { from.wrapping_add(offset).read_volatile() }
        } else {
            filler[offset % element]
        };
        // SAFETY: the instruction was about to write it, and ordinary memory is open here.
        unsafe { target.wrapping_add(offset).write_volatile(byte) };
    }
    let left = frame.register(libc::REG_RCX) - (store.length / element) as i64;
    frame.set_register(libc::REG_RCX, left);
    frame.set_register(libc::REG_RDI, (store.address + store.length) as i64);
    if copies {
        frame.set_register(libc::REG_RSI, source + store.length as i64);
    }
    if left == 0 {
        let next = frame.register(libc::REG_RIP) + instruction as i64;
        frame.set_register(libc::REG_RIP, next);
    }
}

fn after_step(frame: &Frame) -> bool {
    // SAFETY: this thread's words; null or its own context (P2).
    let context = unsafe { own_words().context.as_mut() };
    let Some((context, step)) = context.and_then(|context| {
        let step = context.step.take()?;
        Some((context, step))
    }) else {
        return false;
    };
    if frame.code() != TRAP_TRACE {
        context.step = Some(step);
        return false;
    }
    frame.step(false);
    frame.set_rights(own_words().closed_rights);
    let Some((register, size)) = step.returns else {
        context.surroundings.complete(0);
        return true;
    };
    let whole = frame.register(register) as u64;
    let returned = context.surroundings.complete(truncated(whole, size));
    let rest = whole & !truncated(u64::MAX, size);
    frame.set_register(register, (rest | truncated(returned, size)) as i64);
    true
}

fn on_system_call(frame: &Frame) -> bool {
    // SAFETY: this thread's words; null or its own context (P2).
    let context = unsafe { own_words().context.as_mut() };
    match context {
        Some(context) if frame.code() == SYS_USER_DISPATCH => {
            system_call::answer(context, frame);
            true
        }
        _ => false,
    }
}

/// The run in progress ends here: the frame returns to where [`super::sys::run_body`] goes on.
fn abandon(context: &mut Context, frame: &Frame, fault: Fault) {
    context.fault = Some(fault);
    context.step = None;
    frame.step(false);
    frame.set_rights(own_words().open_rights);
    frame.set_register(libc::REG_RSP, own_words().base as i64);
    frame.set_register(libc::REG_RIP, leave_address() as i64);
}

/// Does with a signal what would have happened without us.
fn chain(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let Some(index) = SIGNALS.iter().position(|&known| known == signal) else {
        return;
    };
    // SAFETY: our handler runs, so the actions were written, and nobody writes them again.
    let previous = unsafe { &(*PREVIOUS.0.get())[index] };
    // SAFETY: likewise.
    let previous = unsafe { previous.assume_init_read() };
    // The C library's structure holds the function as an integer, so its provenance is exposed.
    let function = core::ptr::with_exposed_provenance::<()>(previous.sa_sigaction);
    match previous.sa_sigaction {
        libc::SIG_IGN | libc::SIG_DFL => {
            // SAFETY: the default action touches no memory of ours; the instruction or the kernel
            // raises the signal again.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
            // SAFETY: sends a signal to this thread; it is blocked until the handler returns.
            unsafe { libc::raise(signal) };
        }
        _ if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: the program installed a function of this type.
            let handler: Handler = unsafe { core::mem::transmute(function) };
            handler(signal, info, context);
        }
        _ => {
            // SAFETY: likewise.
            let handler: extern "C" fn(c_int) = unsafe { core::mem::transmute(function) };
            handler(signal);
        }
    }
}

/// What a run that lost its way says.
pub(crate) fn lost(expected: u64, found: u64) -> Fault {
    Fault::new(
        Stage::ControlFlow,
        "a run was left by another way than its end",
    )
    .values(expected, found)
}
