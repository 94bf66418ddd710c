//! The life of a handler.
//!
//! 1. Begin: the gates open, the logs are empty.
//! 2. First run: stores are logged, events recorded, outputs written behind what was committed.
//! 3. Capture: the results of the first run are read from memory.
//! 4. Rollback: the old bytes return, and every one of them is verified.
//! 5. Second run: the same stores, events and output bytes, checked as they come.
//! 6. Compare: memory, new blocks, counts, sums, outputs and the result must equal the first run's.
//! 7. Commit: deferred frees happen, outputs are sealed.
//!
//! A fault at any stage continues in [`recovery`], which undoes what was stored and
//! does what the handler's policy says; nothing of the struck handler has left the process by then.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::__private::Handler;
use crate::audit::Audit;
use crate::fault::{Fault, Stage};
use crate::incident;
use crate::refuse::refuse;

use super::call::{Body, Call};
use super::captured::Captured;
use super::commit;
use super::context::{Context, Counters, attach};
use super::fault_points::{Point, reach};
use super::gate::{self, Gate};
use super::integrity;
use super::locks;
use super::panic_hook::{self, HookCall};
use super::recovery::{self, Moment, Struck};
use super::sys::{BODY_RETURNED, in_effect, run_body, thread_words};
use super::undo_log::own_words;

/// Bytes below the base that are cleared before each run, until a handler proves deeper.
const CLEARED_BYTES_MIN: usize = 512;
/// Bytes that are cleared before each of the first runs of a handler, unless it has proven deeper.
const CLEARED_BYTES_AT_FIRST: usize = 16 << 10;
/// How many runs those are.
const FIRST_RUNS: u32 = 2048;
/// Functions that log nothing may reach this far below the deepest hook.
const SLACK_BYTES: usize = 512;

/// Room for the engine's frames between [`execute`] and the body. All runs of a handler enter below
/// it, at one address, whichever stage calls them.
const ENGINE_FRAMES_BYTES: usize = 2048;

/// How deep a handler's stack has been found to reach; shared by all threads.
///
/// Hooks tell how deep, and functions that log nothing may reach deeper. What the first runs have shown is not
/// much: one of them may parse a request without a hook, far below those of the runs before. So they are all
/// cleared generously.
#[derive(Debug)]
pub(crate) struct StackDepth {
    bytes: AtomicUsize,
    /// Runs so far, up to [`FIRST_RUNS`].
    runs: AtomicU32,
}

impl StackDepth {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: AtomicUsize::new(CLEARED_BYTES_MIN),
            runs: AtomicU32::new(0),
        }
    }

    fn cleared_bytes(&self) -> usize {
        let bytes = self.bytes.load(Ordering::Relaxed);
        if self.runs.load(Ordering::Relaxed) < FIRST_RUNS {
            bytes.max(CLEARED_BYTES_AT_FIRST)
        } else {
            bytes
        }
    }

    /// Notes how deep the run that just ended went; says whether that was below what was cleared.
    fn note(&self) -> bool {
        let words = own_words();
        let deep = (words.entry - words.deepest + SLACK_BYTES).next_multiple_of(64);
        let exceeded = deep > self.cleared_bytes();
        if deep > self.bytes.load(Ordering::Relaxed) {
            self.bytes.fetch_max(deep, Ordering::Relaxed);
        }
        if self.runs.load(Ordering::Relaxed) < FIRST_RUNS {
            self.runs.fetch_add(1, Ordering::Relaxed);
        }
        exceeded
    }
}

/// Executes a handler twice and commits it; returns the receipt that proves it, or that its message
/// was dropped (see [`dropped`]).
///
/// # Safety
/// `body(cell)` is sound to call, does not unwind, and may be called again after its stores were
/// undone (E3). `place` is valid for reads and writes of its bytes; A1 holds for `captured`.
pub(crate) unsafe fn execute(handler: &'static Handler, captured: Captured, call: Call) -> u64 {
    let _ordinary = integrity::heap::ordinary();
    let context = attach();
    refuse_in_effect(context, handler);
    context.captured = captured;
    panic_hook::install();
    super::probe::allocator_is_within_reach(handler, context);
    integrity::begin_handler();
    context.begin(handler);
    own_words().entry = ((&raw const context).addr() - ENGINE_FRAMES_BYTES) & !63;
    context.result.begin(own_words(), call.place.bytes);
    context.events.record();
    // SAFETY: by contract.
    let agreed = unsafe { agree(context, &call) };
    if let Err(struck) = agreed.and_then(|()| context.settle()) {
        // SAFETY: by contract; the handler was struck just now.
        return unsafe { recovery::recover(context, &call, struck) };
    }
    context.finish();
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

/// One pair of runs, up to where they are found equal. A fault leaves the stores of the run in which
/// it was found in place.
///
/// # Safety
/// As for [`execute`].
pub(super) unsafe fn agree(context: &mut Context, call: &Call) -> Result<(), Struck> {
    let at = Struck::at(Moment::Recording);
    context.open_gates().map_err(&at)?;
    integrity::begin_pair(context);
    let mut undo = Undo {
        context,
        armed: true,
    };
    // SAFETY: by contract.
    let outcome = unsafe { undo.context.stages(call) };
    // Whoever gets the fault puts the state back, and needs to know whether that succeeded.
    undo.armed = false;
    outcome
}

/// Puts the state back if the engine itself panics.
struct Undo<'a> {
    context: &'a mut Context,
    armed: bool,
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if self.armed {
            // What led here is reported; a fault would say no more.
            let _ = self.context.log.restore_all();
            integrity::end_handler(self.context);
            self.context.outputs.abandon();
        }
    }
}

impl Context {
    fn begin(&mut self, handler: &'static Handler) {
        self.handler = Some(handler);
        self.sequence += 1;
        self.run = 0;
        self.hook_call = HookCall::NotYet;
        self.deferred.clear();
        self.begin_locks();
    }

    fn open_gates(&mut self) -> Result<(), Fault> {
        // SAFETY: this thread's words.
        unsafe { gate::open(thread_words(), self.sequence) };
        self.begin_runs();
        self.pass(Gate::Begun)
    }

    /// The stages of a pair of runs in their order, the commit excepted.
    ///
    /// # Safety
    /// As for [`execute`].
    unsafe fn stages(&mut self, call: &Call) -> Result<(), Struck> {
        let recording = Struck::at(Moment::Recording);
        // SAFETY: by contract.
        unsafe { self.first_run(call) }.map_err(&recording)?;
        if reach(Point::FirstRun, self) {
            self.capture().map_err(&recording)?;
        }
        if reach(Point::Captured, self) {
            self.roll_back().map_err(&recording)?;
        }
        if let Some(audit) = self.audit {
            // SAFETY: by contract; the state is that before the first run again (E3).
            unsafe { self.audited_run(audit, call) }.map_err(&recording)?;
        }
        if reach(Point::RolledBack, self) {
            // SAFETY: the state is that before the first run again (E3).
            unsafe { self.second_run(call) }.map_err(Struck::at(Moment::SecondRun))?;
        }
        if reach(Point::SecondRun, self) {
            // SAFETY: by contract.
            unsafe { self.compare(call) }.map_err(Struck::at(Moment::Compare))?;
        }
        Ok(())
    }

    /// Commits what both runs agree on.
    pub(super) fn settle(&mut self) -> Result<(), Struck> {
        if reach(Point::Compared, self) {
            self.commit().map_err(Struck::at(Moment::Commit))?;
        }
        Ok(())
    }

    pub(super) fn begin_runs(&mut self) {
        self.runs = 0;
        self.outputs.begin();
    }

    pub(super) fn pass(&self, gate: Gate) -> Result<(), Fault> {
        // SAFETY: this thread's words.
        unsafe { gate::pass(thread_words(), self.sequence, gate) }
    }

    /// Runs until the stack was cleared as deep as the body goes: what lay below might have
    /// reached the heap as padding, and the second run would find other bytes there. Only the
    /// first handlers of a kind, which go deeper than any before, are run more than once here. All
    /// of these runs must have begun with the same state: a store that was not undone between them
    /// would be part of what both later runs see.
    unsafe fn first_run(&mut self, call: &Call) -> Result<(), Fault> {
        let signature = own_words().signature;
        let mut began_with = None;
        loop {
            self.log.record(own_words());
            integrity::begin_recording(self);
            // SAFETY: by contract of `execute`; what an earlier turn did is undone (E3).
            let outcome = unsafe { self.call(1, call) };
            self.log.end_recording(own_words());
            self.events.end_recording();
            outcome?;
            if self.locks.begins_anew {
                self.log.capture()?;
                self.log.restore_all()?;
                // Others may store to these lines as soon as the locks are theirs.
                integrity::end_handler(self);
                locks::begin_anew(self)?;
                integrity::begin_pair(self);
                self.events.record();
                own_words().signature = signature;
                self.begin_runs();
                began_with = None;
                continue;
            }
            if self.went_too_deep || began_with.is_some() {
                self.demand_same_state(&mut began_with)?;
            }
            if !self.went_too_deep {
                return Ok(());
            }
            self.log.capture()?;
            self.log.roll_back(&mut self.lines)?;
            integrity::end_handler(self);
            self.events.replay();
            self.outputs.abandon();
            own_words().signature = signature;
            self.begin_runs();
        }
    }

    #[cold]
    fn demand_same_state(&self, began_with: &mut Option<u64>) -> Result<(), Fault> {
        let found = self.log.state_sum()?;
        let expected = *began_with.get_or_insert(found);
        if found == expected {
            return Ok(());
        }
        Err(Fault::new(
            Stage::Rollback,
            "the first run, repeated, began with another state",
        )
        .values(expected, found))
    }

    fn capture(&mut self) -> Result<(), Fault> {
        self.log.capture()?;
        self.fresh.capture();
        self.outputs.capture();
        self.pass(Gate::Captured)
    }

    pub(super) fn roll_back(&mut self) -> Result<(), Fault> {
        self.log.roll_back(&mut self.lines)?;
        self.pass(Gate::RolledBack)
    }

    pub(super) unsafe fn second_run(&mut self, call: &Call) -> Result<(), Fault> {
        self.log.check(own_words())?;
        self.events.replay();
        // SAFETY: by contract of `execute`.
        unsafe { self.call(2, call) }
    }

    /// One more run, between two looks at all writable memory.
    #[cold]
    unsafe fn audited_run(&mut self, mut audit: NonNull<Audit>, call: &Call) -> Result<(), Fault> {
        // SAFETY: set by `audit`, whose caller waits for this handler.
        let audit = unsafe { audit.as_mut() };
        let signature = own_words().signature;
        self.log.check(own_words())?;
        self.events.replay();
        audit.take_snapshot();
        // SAFETY: by contract of `execute`.
        unsafe { self.call(2, call) }?;
        self.log.restore_all()?;
        audit.compare(self, call.cell().addr());
        own_words().signature = signature;
        Ok(())
    }

    /// Calls the body once, from the one call site.
    unsafe fn call(&mut self, run: u32, call: &Call) -> Result<(), Fault> {
        let Some(handler) = self.handler else {
            return Ok(());
        };
        self.run = run;
        self.run_number = self.run_number.wrapping_add(1);
        self.fresh.start_run();
        self.touched.start_run();
        self.inputs.start_run();
        self.result.start_run(own_words(), run);
        self.fault = None;
        own_words().stores = 0;
        let cleared_bytes = handler.depth.cleared_bytes();
        demand_entry((&raw const cleared_bytes).addr())?;
        integrity::begin_run(run);
        // SAFETY: the words are set up for the run, whose entry lies below this frame (its callees'
        // are dead by then); the rest by contract.
        let returned = unsafe { self.enter(call.body(), call.cell(), cleared_bytes) };
        integrity::end_run();
        self.went_too_deep = handler.depth.note();
        self.stores[usize::from(run == 2)] = own_words().stores;
        self.runs += 1;
        match self.fault {
            Some(fault) => Err(fault),
            None if returned == BODY_RETURNED => Ok(()),
            None if self.locks.begins_anew => Ok(()),
            None => Err(Fault::new(
                Stage::ControlFlow,
                "a run was left by another way than its end",
            )
            .values(BODY_RETURNED, returned)),
        }
    }

    /// Lets a body run.
    ///
    /// Its hooks reach this context through the thread's words. Lending it there anew, by a pointer
    /// made from `self`, tells the compiler that every field may change meanwhile.
    ///
    /// # Safety
    /// As for [`run_body`].
    pub(crate) unsafe fn enter(&mut self, body: Body, cell: *mut (), cleared_bytes: usize) -> u64 {
        own_words().context = self;
        // SAFETY: the words are this thread's; the rest by contract.
        unsafe { run_body(body, cell, cleared_bytes, thread_words()) }
    }

    /// # Safety
    /// The call's place is valid for reads and writes of the result's bytes.
    pub(super) unsafe fn compare(&mut self, call: &Call) -> Result<(), Fault> {
        self.log.compare(own_words())?;
        integrity::compare(self)?;
        self.events.compare()?;
        self.fresh.compare()?;
        self.outputs.compare(self.run_number)?;
        self.compare_stores()?;
        self.captured.compare()?;
        self.inputs.compare()?;
        // SAFETY: by contract.
        unsafe { self.result.deliver(|| call.result_start()) }?;
        self.pass(Gate::Compared)
    }

    /// A store that was not logged in one of the runs has not left its address there.
    fn compare_stores(&self) -> Result<(), Fault> {
        if self.announced_alike() {
            return Ok(());
        }
        let [first, second] = self.stores;
        Err(Fault::new(Stage::Compare, "the runs announced different stores").values(first, second))
    }

    /// Whether both runs announced the same stores, as far as their sums tell.
    pub(super) const fn announced_alike(&self) -> bool {
        self.stores[0] == self.stores[1]
    }

    fn commit(&mut self) -> Result<(), Fault> {
        commit::verify_events(&self.events)?;
        integrity::commit(self);
        integrity::end_handler(self);
        // Before anything is freed: a lock may lie there.
        self.release_locks();
        commit::carry_out_events(&self.events, &mut self.deferred)?;
        self.pass(Gate::Committed)?;
        self.outputs.seal(own_words().signature, self.sequence)
    }

    pub(super) fn finish(&mut self) {
        let bytes = (self.log.bytes() + self.events.bytes()) as u64;
        Counters::add(&self.counters.handlers, 1);
        Counters::add(&self.counters.runs, self.runs);
        if bytes > self.counters.log_bytes_max.load(Ordering::Relaxed) {
            self.counters.log_bytes_max.store(bytes, Ordering::Relaxed);
        }
        self.run = 0;
    }
}

/// Demands that the handler's stack ends below the engine's `frame`, and not far below it: above,
/// the engine would be overwritten; and what lies between the two would count as the handler's own
/// and not be logged.
fn demand_entry(frame: usize) -> Result<(), Fault> {
    let entry = own_words().entry;
    let Some(distance) = frame.checked_sub(entry) else {
        return Err(entry_fault(entry, frame));
    };
    if distance > 2 * ENGINE_FRAMES_BYTES {
        return Err(entry_fault(entry, frame));
    }
    Ok(())
}

#[cold]
fn entry_fault(entry: usize, frame: usize) -> Fault {
    Fault::new(
        Stage::Runtime,
        "the handler's stack does not end below the engine's",
    )
    .values(frame as u64, entry as u64)
}
