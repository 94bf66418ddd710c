//! The life of a handler in page mode.
//!
//! 1. Begin: the session of the allocator's page level, a copy of the caller's stack, the gates.
//! 2. First run: pages are copied when they are first written, other stores noted one by one, events
//!    recorded, outputs written behind what was committed.
//! 3. Capture: what the run left.
//! 4. Rollback: pages, stack and other stores return to what they were, verified.
//! 5. Second run: the same events, stores and output bytes, checked as they come.
//! 6. Compare: pages, stack, other stores, counts, outputs, arguments and the result must equal the first
//!    run's.
//! 7. Commit: deferred frees happen, outputs are sealed, pages are closed.
//!
//! A fault at any stage undoes what was stored and continues in [`recovery`](super::recovery), which does
//! what the handler's policy says.

use core::arch::naked_asm;

use asc_alloc::diversion;
use asc_alloc::page::{BeginError, PageDifference, Session};

use crate::__private::Handler;
use crate::fault::{Fault, Stage};
use crate::incident;
use crate::refuse::refuse;
use crate::setup;

use super::call::Call;
use super::captured::Captured;
use super::context::{Context, Counters, attach, current};
use super::doubt::Noted;
use super::event_log::Kind;
use super::gate::{self, Gate};
use super::panic_hook::{self, HookCall};
use super::surroundings::CONTENDED;
use super::sys::{BODY_RETURNED, in_effect, own_words, protection_key, run_body, thread_words};
use super::{allocation, effect, is_started, recovery, signals};

/// A handler on its way below the frames of its callers.
#[derive(Debug)]
struct Entry {
    handler: &'static Handler,
    captured: Captured,
    call: Call,
}

/// Executes a handler twice and commits it; returns the receipt that proves it, or that its message
/// was dropped (see [`dropped`]).
///
/// # Safety
/// `body(cell)` is sound to call, does not unwind, and may be called again after its stores were
/// undone (P1). `place` is valid for reads and writes of its bytes; A1 holds for `captured`.
pub(crate) unsafe fn execute(handler: &'static Handler, captured: Captured, call: Call) -> u64 {
    let mut entry = Entry {
        handler,
        captured,
        call,
    };
    // SAFETY: by contract.
    unsafe { execute_below(&raw mut entry) }
}

/// Passes on where the frames of the handler's callers end.
///
/// # Safety
/// As for [`execute_from`].
#[unsafe(naked)]
unsafe extern "C" fn execute_below(entry: *mut Entry) -> u64 {
    naked_asm!(
        "lea rsi, [rsp + 8]",
        "jmp {execute_from}",
        execute_from = sym execute_from,
    )
}

/// # Safety
/// The entry obeys the contract of [`execute`]; all frames of the handler's callers lie from `frame` on.
unsafe extern "C" fn execute_from(entry: *mut Entry, frame: *mut u8) -> u64 {
    // SAFETY: the caller's local.
    let entry = unsafe { &mut *entry };
    let context = attach();
    refuse_in_effect(context, entry.handler);
    setup::take_effect();
    panic_hook::install();
    context.begin(entry);
    // SAFETY: by contract.
    if let Err(fault) = unsafe { attempt(context, &entry.call, frame) } {
        // SAFETY: by contract; what the struck handler did is undone (P1).
        let survived = unsafe { recovery::recover(context, &entry.call, frame, &fault) };
        recovery::report(&survived);
    }
    current().finish();
    own_words().signature
}

/// The fault for which the message of the handler that returned `signature` was dropped, if it was.
pub(crate) fn dropped(signature: u64) -> Option<Fault> {
    let context = attach();
    let is_omission = signature == gate::omission(context.sequence);
    is_omission.then(|| context.fault.take())?
}

/// Demands the receipt of the handler that this thread has just committed. Called from the
/// application's side of [`execute`], so that jumping out of it returns nothing either.
pub(crate) fn demand_receipt(signature: u64) {
    let context = attach();
    let expected = gate::receipt(context.sequence);
    if signature != expected {
        let fault = Fault::new(
            Stage::ControlFlow,
            "the handler returned without being committed",
        )
        .values(expected, signature);
        incident::stop(context.handler_name(), context.run, &fault);
    }
}

/// The thread has one record, which the handler that runs the effect has begun.
fn refuse_in_effect(context: &Context, handler: &Handler) {
    if in_effect() {
        refuse(format_args!(
            "handler `{}` runs an `effect` that calls handler `{}`: call it before or after the \
             effect",
            context.handler_name(),
            handler.name,
        ));
    }
}

/// No fault: a thread outside of handlers has changed a word atomically at the same time.
fn refuse_contended(context: &Context, fault: &Fault) {
    if fault.reason == CONTENDED {
        refuse(format_args!(
            "handler `{}` and another thread, outside of handlers, exchange the word at {:#x} at the same \
             time: if it is a lock, take it outside, around the call of the handler",
            context.handler_name(),
            fault.address
        ));
    }
}

/// One pair of runs, committed.
///
/// # Safety
/// As for [`execute_from`].
unsafe fn attempt(context: &mut Context, call: &Call, frame: *mut u8) -> Result<(), Fault> {
    // SAFETY: by contract.
    unsafe { agree(context, call, frame) }?.commit()
}

/// One pair of runs, which are undone unless what they agree on is committed.
///
/// # Safety
/// As for [`execute_from`].
pub(super) unsafe fn agree<'a>(
    context: &'a mut Context,
    call: &Call,
    frame: *mut u8,
) -> Result<Undo<'a>, Fault> {
    context.begin_runs();
    context.open_gates()?;
    context.session = begin_session(context.handler_name());
    let mut undo = Undo {
        context,
        is_armed: true,
    };
    if undo.context.session.is_some() {
        // SAFETY: by contract.
        unsafe { undo.context.caller.begin(frame) };
    } else {
        undo.context.caller.leave_alone();
    }
    // SAFETY: by contract.
    let first = unsafe { undo.context.run(1, call) };
    undo.context.events.end_recording();
    first?;
    undo.capture()?;
    undo.roll_back()?;
    // SAFETY: the state is that before the first run again (P1).
    unsafe { undo.context.second_run(call) }?;
    // SAFETY: by contract.
    unsafe { undo.compare(call) }?;
    Ok(undo)
}

/// Without page mode there is none: nothing is protected, and handlers announce their stores.
fn begin_session(handler_name: &str) -> Option<Session> {
    if !is_started() {
        return None;
    }
    // SAFETY: the compiler knows nothing of what the body does to protected memory, because it is called
    // through a pointer from assembly; no reference into it is in use here; what a run that is undone has
    // created is not used (P1).
    match unsafe { Session::begin() } {
        Ok(session) => Some(session),
        Err(BeginError::Nested) => refuse(format_args!(
            "handler `{handler_name}` is called within `AscAlloc::protected`, which cannot be rolled \
             back: call it outside"
        )),
        Err(error) => refuse(format_args!("{error}")),
    }
}

/// Puts the state back unless the handler was committed.
pub(super) struct Undo<'a> {
    context: &'a mut Context,
    is_armed: bool,
}

impl Undo<'_> {
    fn capture(&mut self) -> Result<(), Fault> {
        let context = &mut *self.context;
        if let Some(session) = &mut context.session {
            session.capture();
        }
        context.caller.capture();
        context.surroundings.capture();
        context.result.capture()?;
        context.outputs.capture();
        context.pass(Gate::Captured)
    }

    fn roll_back(&mut self) -> Result<(), Fault> {
        if let Err(fault) = self.context.surroundings.roll_back() {
            refuse_contended(self.context, &fault);
            return Err(fault);
        }
        self.context.caller.restore()?;
        if let Some(session) = &mut self.context.session {
            let reason = "a restored page does not hold its old bytes";
            session
                .restore()
                .map_err(|difference| page_fault(Stage::Rollback, reason, &difference))?;
        }
        self.context.pass(Gate::RolledBack)
    }

    /// # Safety
    /// The call's place is valid for reads and writes of the result's bytes.
    unsafe fn compare(&mut self, call: &Call) -> Result<(), Fault> {
        let context = &mut *self.context;
        // First, because a damaged message explains whatever else differs.
        context.inputs.compare()?;
        context.events.compare()?;
        context.surroundings.compare()?;
        context.caller.compare()?;
        if let Some(session) = &context.session {
            session.compare().map_err(|difference| {
                page_fault(Stage::Compare, "the runs left different bytes", &difference)
            })?;
        }
        context.outputs.compare(context.run_number)?;
        context.captured.compare()?;
        // SAFETY: by contract.
        unsafe { context.result.deliver(|| call.result_start()) }?;
        context.pass(Gate::Compared)
    }

    /// Where the runs, which agree, have stored outside of what is protected or copied.
    pub(super) fn noted_stores(&self) -> Result<Vec<Noted>, Fault> {
        self.context.surroundings.noted()
    }

    pub(super) fn commit(mut self) -> Result<(), Fault> {
        self.context.carry_out_events()?;
        self.context.pass(Gate::Committed)?;
        let (signature, sequence) = (own_words().signature, self.context.sequence);
        self.context.outputs.seal(signature, sequence)?;
        self.is_armed = false;
        if let Some(session) = self.context.session.take() {
            session.commit();
        }
        Ok(())
    }
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if !self.is_armed {
            return;
        }
        let context = &mut *self.context;
        let stores = context.surroundings.roll_back();
        let stack = context.caller.restore();
        let pages = context.session.take().map_or(Ok(()), Session::roll_back);
        context.is_undone = stores.is_ok() && stack.is_ok() && pages.is_ok();
        context.outputs.abandon();
    }
}

fn page_fault(stage: Stage, reason: &'static str, difference: &PageDifference) -> Fault {
    Fault::new(stage, reason)
        .at(difference.address)
        .values(difference.expected.into(), difference.found.into())
}

impl Context {
    fn begin(&mut self, entry: &mut Entry) {
        self.handler = Some(entry.handler);
        self.captured = core::mem::replace(&mut entry.captured, Captured::new());
        self.sequence += 1;
        self.run = 0;
        self.runs = 0;
        self.hook_call = HookCall::NotYet;
        self.result.begin(entry.call.place.bytes);
        diversion::divert();
    }

    fn begin_runs(&mut self) {
        self.is_undone = false;
        self.events.record();
        self.surroundings.record(self.announced.is_running());
        self.outputs.begin();
        self.deferred.clear();
    }

    fn open_gates(&mut self) -> Result<(), Fault> {
        // SAFETY: this thread's words.
        unsafe { gate::open(thread_words(), self.sequence) };
        self.pass(Gate::Begun)
    }

    fn pass(&self, gate: Gate) -> Result<(), Fault> {
        // SAFETY: this thread's words.
        unsafe { gate::pass(thread_words(), self.sequence, gate) }
    }

    /// # Safety
    /// As for [`execute_from`]; the state is that before the first run.
    unsafe fn second_run(&mut self, call: &Call) -> Result<(), Fault> {
        self.surroundings.check();
        self.events.replay();
        // SAFETY: by contract.
        unsafe { self.run(2, call) }
    }

    /// Calls the body once, from the one call site.
    ///
    /// # Safety
    /// As for [`execute_from`].
    unsafe fn run(&mut self, run: u32, call: &Call) -> Result<(), Fault> {
        self.run = run;
        self.runs += 1;
        self.run_number = self.run_number.wrapping_add(1);
        self.fault = None;
        self.inputs.start_run();
        self.stack.clear();
        let words = own_words();
        if words.has_keys != 0 {
            words.open_rights = protection_key::with_stacks(protection_key::rights());
            words.closed_rights = words.open_rights | protection_key::ORDINARY_CLOSED;
        }
        // The body's entries into the runtime reach this context through the thread's words. Lending
        // it there anew, by a pointer made from `self`, tells the compiler that every field may
        // change meanwhile.
        words.context = self;
        // SAFETY: the words are this thread's and set up for the run; the rest by contract.
        let returned = unsafe { run_body(call.body(), call.cell(), thread_words()) };
        match self.fault {
            Some(fault) => Err(fault),
            None if returned == BODY_RETURNED => Ok(()),
            None => Err(signals::lost(BODY_RETURNED, returned)),
        }
    }

    /// Frees what the handler freed, registers what it registered and collects the closures that it
    /// deferred. Every event is verified before any takes effect.
    fn carry_out_events(&mut self) -> Result<(), Fault> {
        let count = self.events.count()?;
        for index in 0..count {
            self.events.event(index)?;
        }
        for index in 0..count {
            let event = self.events.event(index)?;
            match event.kind {
                // SAFETY: verified, of that kind, and each is carried out once.
                Kind::Free => unsafe { allocation::release(&event) },
                Kind::ThreadExit => effect::carry_out(&event),
                Kind::AfterCommit => self.deferred.add(&event),
                Kind::Allocate | Kind::Atomic | Kind::Effect | Kind::Lock => {}
            }
        }
        Ok(())
    }

    fn finish(&mut self) {
        diversion::restore();
        self.stack.shrink();
        let bytes = self.surroundings.bytes() + self.events.bytes() + self.caller.bytes();
        Counters::add(&self.counters.handlers, 1);
        Counters::add(&self.counters.runs, self.runs);
        Counters::add(&self.counters.stores, self.surroundings.count() as u64);
        let log_bytes_max = &self.counters.log_bytes_max;
        let order = core::sync::atomic::Ordering::Relaxed;
        if bytes as u64 > log_bytes_max.load(order) {
            log_bytes_max.store(bytes as u64, order);
        }
        self.run = 0;
    }
}
