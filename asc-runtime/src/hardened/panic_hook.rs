//! Panics inside handlers.
//!
//! The message of a panic is input and output, and resolving a backtrace changes caches of its own:
//! neither may happen twice or be undone. So the program's panic hook is called in the first run
//! only, once however often that is repeated, outside the handler's record. If the second run does not panic alike, that is a fault.

use core::sync::atomic::{AtomicBool, Ordering};
use std::panic::{PanicHookInfo, set_hook, take_hook};

use super::Returned;
use super::context::current;
use super::integrity;
use super::sys::{handler_active, private_entry};

/// How far the call of the program's hook has come in a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HookCall {
    NotYet,
    InProgress,
    Over,
}

static INSTALLED: AtomicBool = AtomicBool::new(false);

/// The hook type of [`std::panic::set_hook`].
type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Sync + Send + 'static>;

/// Wraps the hook that is in force when the first handler starts.
#[inline]
pub(crate) fn install() {
    if !INSTALLED.load(Ordering::Relaxed) {
        wrap();
    }
}

#[cold]
fn wrap() {
    if INSTALLED.swap(true, Ordering::Relaxed) {
        return;
    }
    let program = take_hook();
    set_hook(Box::new(move |info| {
        if handler_active() {
            // SAFETY: a handler is active (W2); both pointers live across the call.
            unsafe { asc_panic((&raw const program).cast(), (&raw const *info).cast()) };
        } else {
            program(info);
        }
    }));
}

private_entry! {
    fn asc_panic(hook: *const (), info: *const ());
    outside = panic_inside; inside = panic_inside;
}

extern "C" fn panic_inside(hook: *const (), info: *const ()) -> Returned {
    let context = current();
    if context.run == 1 && context.hook_call == HookCall::NotYet {
        // SAFETY: `wrap` passed a live hook.
        let hook: &Hook = unsafe { &*hook.cast() };
        // SAFETY: and live information.
        let info: &PanicHookInfo<'_> = unsafe { &*info.cast() };
        integrity::begin_hook(context);
        context.hook_call = HookCall::InProgress;
        hook(info);
        let context = current();
        context.hook_call = HookCall::Over;
        integrity::end_hook(context);
    }
    Returned::NOTHING
}
