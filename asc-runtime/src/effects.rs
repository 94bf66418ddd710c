//! What a handler asks of the world, and what it tells it.
//!
//! A handler runs twice, so it neither reads nor sends by itself: hardened builds refuse such calls.
//! [`effect`] asks once and gives both runs the same answer; [`after_commit`] speaks once, when both
//! runs have agreed. In plain builds they are a call, and a call at the end of the handler.

/// Calls `ask` once and returns its answer to both runs of the handler.
///
/// For whatever a handler must know and cannot be given: a file, a lookup, a query. `ask` is called in
/// the first run, outside of the handler's record. The second run must bring the same closure with the
/// same captured bytes and gets the answer that was recorded, under a checksum. Blocks that the answer
/// points to are the same in both runs.
///
/// The question leaves before the runs have been compared. Speak to others, where a wrong word would
/// spread, in [`after_commit`].
///
/// Within an effect, `effect` is a call; so it is outside of handlers and in plain builds. What `ask`
/// frees is released when the handler has been committed. Changes that it makes (through a `Cell` or
/// a lock) to memory that the handler has changed before are replayed with the answer; other changes stay
/// as they are, even if the handler is undone. A handler that reads such memory before the effect
/// differs from itself and is stopped: leave its state to the handler.
///
/// ```
/// use asc_runtime::{Output, asc_handler, effect};
///
/// #[asc_handler]
/// fn greet(name: &str, reply: &mut Output) {
///     let host = effect(|| std::fs::read_to_string("/etc/hostname")).unwrap_or_default();
///     reply.write(format!("{name}, this is {}", host.trim()).as_bytes());
/// }
///
/// let mut reply = Output::new();
/// greet("Ada", &mut reply);
/// assert!(reply.bytes().starts_with(b"Ada, this is "));
/// ```
///
/// # Panics
/// If `ask` panics, in both runs with what it said.
///
/// # Refusals
/// In hardened builds a program ends with exit status 87 if `ask` calls a handler, uses an
/// [`Output`](crate::Output) or calls [`after_commit`].
#[inline]
pub fn effect<R, F: Fn() -> R>(ask: F) -> R {
    #[cfg(any(asc, feature = "page"))]
    if crate::engine::sys::handler_active() {
        return recorded::ask_once(&ask);
    }
    ask()
}

/// Calls `tell` once the handler has been committed; outside of handlers, at once.
///
/// For whatever follows from an event besides its reply: a message to another peer, a line in a log, a
/// wake-up. By then both runs have agreed on the closure and on all it has captured; its calls are
/// ordinary code, in the order in which they were deferred, before the handler returns to its caller.
/// It may call handlers. If the handler is undone, it is dropped uncalled.
///
/// ```
/// use std::sync::mpsc::{Sender, channel};
/// use asc_runtime::{after_commit, asc_handler};
///
/// #[asc_handler]
/// fn deposit(balance: &mut u64, amount: u64, journal: &Sender<String>) {
///     *balance += amount;
///     let (line, journal) = (format!("deposit {amount}"), journal.clone());
///     after_commit(move || journal.send(line).expect("the journal is read"));
/// }
///
/// let (sender, journal) = channel();
/// let mut balance = 1;
/// deposit(&mut balance, 41, &sender);
/// assert_eq!((balance, journal.recv().as_deref()), (42, Ok("deposit 41")));
/// ```
///
/// # Panics
/// A panic of `tell` goes on in the handler's caller once the other closures have been called, unless
/// the handler itself has panicked.
#[inline]
pub fn after_commit<F: FnOnce() + 'static>(tell: F) {
    #[cfg(any(asc, feature = "page"))]
    if crate::engine::sys::handler_active() {
        return recorded::defer(tell);
    }
    #[cfg(any(asc, feature = "page"))]
    recorded::refuse_in_effect();
    #[cfg(not(asc))]
    if plain::is_in_handler() {
        return plain::defer(Box::new(tell));
    }
    tell();
}

#[cfg(not(asc))]
pub(crate) use plain::Nesting;

/// The application's side of an engine.
#[cfg(any(asc, feature = "page"))]
mod recorded {
    use core::mem::MaybeUninit;
    use core::ptr;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    use crate::engine::after_commit::asc_after_commit;
    use crate::engine::closure::{Call, asc_effect};
    use crate::engine::sys::in_effect;
    use crate::refuse::refuse;

    /// What the closure said, or its panic.
    type Answer<R> = std::thread::Result<R>;

    /// A question on its way through the runtime, which knows its first field.
    #[repr(C)]
    struct Question<R, F> {
        call: Call,
        ask: *const F,
        answer: *mut Answer<R>,
    }

    pub(super) fn ask_once<R, F: Fn() -> R>(ask: &F) -> R {
        let mut answer = MaybeUninit::<Answer<R>>::uninit();
        let question = Question {
            call: Call {
                function: ask_now::<R, F>,
                captured: ptr::from_ref(ask).cast(),
                captured_bytes: size_of::<F>(),
                result: answer.as_mut_ptr().cast(),
            },
            ask,
            answer: answer.as_mut_ptr(),
        };
        // SAFETY: a handler is active (W2), and everything lives across the call.
        unsafe { asc_effect(&raw const question.call) };
        // SAFETY: `ask_now` has written the answer, in this run or in the first, which both runs get.
        match unsafe { answer.assume_init() } {
            Ok(answer) => answer,
            Err(panic) => resume_unwind(panic),
        }
    }

    /// # Safety
    /// `call` is the first field of a live `Question<R, F>`.
    unsafe extern "C" fn ask_now<R, F: Fn() -> R>(call: *const ()) {
        // SAFETY: by contract.
        let question = unsafe { &*call.cast::<Question<R, F>>() };
        // SAFETY: `ask_once` passed a live closure.
        let ask = unsafe { &*question.ask };
        let answer = catch_unwind(AssertUnwindSafe(ask));
        // SAFETY: `ask_once` passed its own place, which has room for an answer.
        unsafe { question.answer.write(answer) };
    }

    pub(super) fn defer<F: FnOnce() + 'static>(tell: F) {
        let data = Box::into_raw(Box::new(tell));
        // SAFETY: a handler is active (W2); `call` takes this very box, once.
        unsafe { asc_after_commit(data.cast(), call::<F>) };
    }

    /// # Safety
    /// `data` comes from `Box::<F>::into_raw` and is given up.
    unsafe extern "C-unwind" fn call<F: FnOnce()>(data: *mut ()) {
        // SAFETY: by contract.
        let tell = unsafe { Box::from_raw(data.cast::<F>()) };
        tell();
    }

    pub(super) fn refuse_in_effect() {
        if in_effect() {
            refuse(format_args!(
                "`after_commit` is called inside an `effect`, which only one of the two runs \
                 executes: call it in the handler, with what the effect returned"
            ));
        }
    }
}

/// A plain build: the closures of the outermost handler wait for its end.
#[cfg(not(asc))]
mod plain {
    use std::any::Any;
    use std::cell::{Cell, RefCell};
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    type Closure = Box<dyn FnOnce()>;

    thread_local! {
        /// Handlers that this thread is executing, one inside the other.
        static DEPTH: Cell<usize> = const { Cell::new(0) };
        /// Whether any closure waits; asked at the end of every handler.
        static WAITING: Cell<bool> = const { Cell::new(false) };
        static CLOSURES: RefCell<Vec<Closure>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn is_in_handler() -> bool {
        DEPTH.get() > 0
    }

    pub(super) fn defer(tell: Closure) {
        WAITING.set(true);
        CLOSURES.with_borrow_mut(|closures| closures.push(tell));
    }

    /// One handler in progress.
    pub(crate) struct Nesting(());

    impl Nesting {
        #[inline]
        pub(crate) fn enter() -> Self {
            DEPTH.set(DEPTH.get() + 1);
            Self(())
        }

        /// Ends the handler; the outermost then calls what was deferred.
        #[inline]
        pub(crate) fn leave(self) {
            drop(self);
            if WAITING.get()
                && DEPTH.get() == 0
                && let Some(panic) = call_deferred()
            {
                resume_unwind(panic);
            }
        }
    }

    impl Drop for Nesting {
        #[inline]
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() - 1);
            if WAITING.get() && DEPTH.get() == 0 && std::thread::panicking() {
                // The handler's panic is on its way; a second one would end the process.
                drop(call_deferred());
            }
        }
    }

    #[cold]
    fn call_deferred() -> Option<Box<dyn Any + Send>> {
        WAITING.set(false);
        let closures = CLOSURES.take();
        closures.into_iter().fold(None, |first, tell| {
            let outcome = catch_unwind(AssertUnwindSafe(tell));
            first.or(outcome.err())
        })
    }
}
