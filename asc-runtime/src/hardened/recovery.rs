//! What follows the detection of a fault.
//!
//! 1. What the struck run stored is undone, and that is verified ([`Recovery::undo`]). A fault that
//!    leaves no trust in that stops the process ([`policy::is_survivable`]).
//! 2. The handler is tried again: a third run against the record of the first; then a pair of runs
//!    from the start; then such pairs on another core. The first trial whose runs agree tells what
//!    kind of fault it was.
//! 3. Under `retry` what the trial agreed on is committed. Under `drop` it is undone. Under `abort` the
//!    process stops, with a deadline on all of this ([`deadline`]).
//!
//! # Why the state can be trusted afterwards
//!
//! - A trial that agrees with the record of the first run has stored the same values to every place
//!   of the record, and its hooks confirm that the record is whole. So memory holds what it must even
//!   if the log had not undone everything rightly.
//! - To give a record up, which `drop` does too, is to trust the log with the state. Its entries are
//!   sealed when they are recorded, the rollback must reproduce their sum, and every byte is read
//!   again. Beyond that, [`Doubts`] are raised when a store may have gone astray or a hook may have
//!   been jumped over, and dispelled by runs that took the same path; a doubt that is left stops the
//!   process.
//! - What cannot be undone is not: a record with an effect of the program's own, or whose atomic
//!   operations on shared memory do not cancel each other (as those of a reference count do that goes
//!   up and down again), is never given up.
//! - What rests in memory is taken as protected there (ECC). A bit of the state that flips between
//!   two runs is seen as their difference, and which of the two values was right is not known.

use core::mem;

use crate::fault::{Fault, Stage};
use crate::incident::{self, Action, Classification, Incident, deadline};
use crate::policy::{self, OnFault};

use super::after_commit::Deferred;
use super::allocation;
use super::atomic;
use super::call::Call;
use super::context::Context;
use super::effect;
use super::event_log::{EventLog, Kind};
use super::execution::agree;
use super::footprint::{Footprint, Suspicion};
use super::gate::{self, Gate};
use super::integrity;
use super::placement;
use super::stray::Strays;
use super::sys::thread_words;
use super::undo_log::own_words;

/// Pairs of runs that tell all kinds of faults apart: one on the same core, one on another.
const DIAGNOSIS_PAIRS: u8 = 2;

/// In which part of a handler's life a fault was detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// The first run, and what belongs to its record.
    Recording,
    /// A run that is checked against the record.
    SecondRun,
    /// That run has ended.
    Compare,
    /// Effects may be out.
    Commit,
}

/// A fault and when it was detected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Struck {
    moment: Moment,
    fault: Fault,
}

impl Struck {
    pub(super) fn at(moment: Moment) -> impl Fn(Fault) -> Self {
        move |fault| Self { moment, fault }
    }
}

/// A way to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trial {
    /// A third run, checked against the record of the first.
    AgainstRecord,
    /// A pair of runs from the start.
    Afresh,
    /// Such a pair on another core.
    Elsewhere,
}

impl Trial {
    /// A first run that did not end has left no record to run against.
    const fn first_after(moment: Moment) -> Self {
        match moment {
            Moment::Recording => Self::Afresh,
            Moment::SecondRun | Moment::Compare | Moment::Commit => Self::AgainstRecord,
        }
    }

    const fn next(self) -> Self {
        match self {
            Self::AgainstRecord => Self::Afresh,
            Self::Afresh | Self::Elsewhere => Self::Elsewhere,
        }
    }
}

/// What is known of the record in the log.
#[derive(Debug, Clone, Copy, Default)]
struct Doubts {
    /// Some run took exactly its path.
    confirmed: bool,
    /// A run that took its path announced other stores.
    lost_hook: bool,
    strays: Strays,
}

/// Why the process stops.
type Objection = &'static str;

const STRAY: Objection =
    "a store may have gone to an unknown place, which nothing could undo; restart the process";
const HOOK: Objection = "a store of the first run may have escaped the log, so it might not be undone; restart the process";
const SHARED: Objection = "the handler has run an effect or changed shared memory by an atomic operation, \
     which is never undone; keep both out of handlers that are to be dropped or retried";
const DAMAGED: Objection =
    "what recovery relies on was struck itself, or effects were on their way out already";
const ARGUMENTS: Objection =
    "the handler's arguments changed in memory, so it can neither run again nor give them back";
const FAILED: Objection = "every trial failed";

/// Recovers from a fault as the handler's policy says. Returns the receipt of the handler, which is
/// done then, or the proof that its message was dropped.
///
/// # Safety
/// As for [`execute`](super::execution::execute), whose handler has just been struck.
#[cold]
pub(super) unsafe fn recover(context: &mut Context, call: &Call, struck: Struck) -> u64 {
    let on_fault = note(context, call, &struck);
    let mut recovery = Recovery {
        runs: context.runs,
        context,
        call,
        doubts: Doubts::default(),
        given_up: None,
        trials: 0,
        agreed: None,
        has_moved: false,
        only_input: true,
        lost_arguments: false,
    };
    let pairs = match on_fault {
        OnFault::Retry(times) => times,
        OnFault::Drop | OnFault::Abort => DIAGNOSIS_PAIRS,
    };
    // SAFETY: by contract.
    let outcome = unsafe { recovery.try_again(struck, pairs) }.and_then(|()| match on_fault {
        OnFault::Abort => Err(""),
        OnFault::Drop => recovery.drop_message(),
        OnFault::Retry(_) => recovery.keep(),
    });
    match outcome {
        Ok(action) => recovery.end(action),
        // Whoever asked for it needs no reason.
        Err(_) if on_fault == OnFault::Abort => recovery.stop(""),
        Err(objection) => recovery.stop(objection),
    }
}

/// Notes what is known of the fault, away from the stack on which the handler will run again; returns
/// the policy in force. A process that will stop gets a deadline for whatever comes before that.
#[inline(never)]
fn note(context: &mut Context, call: &Call, struck: &Struck) -> OnFault {
    let mut incident = Incident::new(context.handler, context.run, &struck.fault);
    if context.fault.is_some() {
        // The run was abandoned on the spot.
        incident.callers = context.callers;
    }
    context.incident = Some(incident);
    context.fault = Some(struck.fault);
    let Some(handler) = context.handler else {
        return OnFault::Abort;
    };
    let on_fault = policy::in_force(handler, call.can_tell);
    if on_fault == OnFault::Abort && !deadline::set(Some(&incident.text())) {
        // Another thread is ending the process already.
        incident::end(&incident);
    }
    on_fault
}

struct Recovery<'a> {
    context: &'a mut Context,
    call: &'a Call,
    /// About the record in the log.
    doubts: Doubts,
    /// Where a run stored whose record was given up without being confirmed.
    given_up: Option<Footprint>,
    trials: u32,
    /// Runs so far.
    runs: u64,
    /// The trial whose runs agreed.
    agreed: Option<Trial>,
    has_moved: bool,
    /// Every fault so far was a message that did not match its checksum.
    only_input: bool,
    /// The arguments are not what they were when the handler was called.
    lost_arguments: bool,
}

impl Recovery<'_> {
    /// Undoes the struck run, then tries until a trial's runs agree. If none do, the state is that
    /// before the message.
    ///
    /// # Safety
    /// As for [`recover`].
    unsafe fn try_again(&mut self, struck: Struck, pairs_max: u8) -> Result<(), Objection> {
        let mut trial = Trial::first_after(struck.moment);
        let mut pairs_left = pairs_max;
        self.undo(&struck)?;
        loop {
            if trial != Trial::AgainstRecord {
                self.give_up()?;
                if pairs_left == 0 {
                    return Ok(());
                }
                pairs_left -= 1;
            }
            // SAFETY: by contract; the last run is undone.
            let outcome = unsafe { self.carry_out(trial) };
            self.trials += 1;
            self.runs += self.context.runs;
            match outcome {
                Ok(()) => return self.accept(trial),
                Err(again) => self.undo(&again)?,
            }
            trial = trial.next();
        }
    }

    /// # Safety
    /// As for [`recover`]; the last run is undone, and its record given up unless the trial needs it.
    unsafe fn carry_out(&mut self, trial: Trial) -> Result<(), Struck> {
        if trial == Trial::AgainstRecord {
            // SAFETY: by contract.
            return unsafe { self.against_record() };
        }
        self.doubts = Doubts::default();
        // SAFETY: by contract.
        let mut pair = || unsafe { agree(self.context, self.call) };
        if trial == Trial::Afresh {
            return pair();
        }
        let (outcome, has_moved) = placement::elsewhere(pair);
        self.has_moved |= has_moved;
        outcome
    }

    /// # Safety
    /// As for [`Self::carry_out`].
    unsafe fn against_record(&mut self) -> Result<(), Struck> {
        let context = &mut *self.context;
        // SAFETY: this thread's words.
        unsafe { gate::rewind(thread_words(), context.sequence, Gate::RolledBack) };
        context.runs = 0;
        self.watch();
        let context = &mut *self.context;
        // SAFETY: by contract; the state is that before the first run.
        let outcome = unsafe { context.second_run(self.call) };
        self.hear_witnesses();
        outcome.map_err(Struck::at(Moment::SecondRun))?;
        let context = &mut *self.context;
        // SAFETY: by contract.
        unsafe { context.compare(self.call) }.map_err(Struck::at(Moment::Compare))
    }

    /// A difference in memory says where, but not who wrote there: the next run will tell.
    fn watch(&mut self) {
        let incident = self.context.incident.as_ref();
        if let Some(incident) = incident.filter(|incident| incident.callers.is_empty()) {
            self.context.log.watch(incident.fault.address);
        }
    }

    fn hear_witnesses(&mut self) {
        let witnesses = self.context.log.witnesses();
        if let Some(incident) = self.context.incident.as_mut()
            && incident.callers.is_empty()
        {
            incident.callers = witnesses;
        }
    }

    /// Looks at what a struck run has left, and undoes it.
    fn undo(&mut self, struck: &Struck) -> Result<(), Objection> {
        let context = &mut *self.context;
        let can_be_undone = policy::is_survivable(struck.fault.stage)
            && struck.moment != Moment::Commit
            && context.audit.is_none();
        if !can_be_undone {
            return Err(DAMAGED);
        }
        self.only_input &= struck.fault.stage == Stage::Input;
        if context.captured.compare().is_err() {
            self.lost_arguments = true;
            return Err(ARGUMENTS);
        }
        match struck.moment {
            Moment::Recording => {
                // Only a message that does not match its checksum ends a first run so, and by the
                // fault model that was the fault.
                self.doubts.confirmed = true;
                context.log.capture().map_err(reason)?;
            }
            Moment::Compare if context.log.was_followed(own_words()) => {
                self.doubts.confirmed = true;
                // The log keeps one of several hooks for a place: a lost one shows in their sum alone.
                self.doubts.lost_hook |= !context.announced_alike();
                let strays = context.log.strays().map_err(reason)?;
                self.doubts.strays.by_first |= strays.by_first;
                self.doubts.strays.by_last |= strays.by_last;
            }
            Moment::SecondRun | Moment::Compare | Moment::Commit => {}
        }
        context.log.restore_all().map_err(reason)
    }

    /// A trial's runs agree, so the record in the log is right: whether the process may go on.
    fn accept(&mut self, trial: Trial) -> Result<(), Objection> {
        if self.doubts.strays.by_last {
            return Err(STRAY);
        }
        let context = &mut *self.context;
        if let Some(given_up) = self.given_up.take() {
            let healthy = footprint(context)?;
            let Suspicion {
                lacks_hooks,
                has_stray,
            } = given_up.beside(&healthy);
            if lacks_hooks {
                return Err(HOOK);
            }
            if has_stray {
                return Err(STRAY);
            }
        }
        self.doubts = Doubts {
            confirmed: true,
            ..Doubts::default()
        };
        self.agreed = Some(trial);
        Ok(())
    }

    /// Gives the record up, whose stores are undone: what it allocated is freed, what it said is
    /// forgotten.
    fn give_up(&mut self) -> Result<(), Objection> {
        let context = &mut *self.context;
        if self.doubts.strays.by_first {
            return Err(STRAY);
        }
        if !can_be_undone(&context.events).map_err(reason)? {
            return Err(SHARED);
        }
        if self.doubts.lost_hook {
            return Err(HOOK);
        }
        if !self.doubts.confirmed {
            // One such record can be judged by a healthy one; a second has no place in the fault model.
            if self.given_up.is_some() {
                return Err(HOOK);
            }
            self.given_up = Some(footprint(context)?);
        }
        // Its stores are undone, and others may get its blocks.
        integrity::end_handler(context);
        give_back_blocks(&context.events).map_err(reason)?;
        context.events.record();
        context.outputs.abandon();
        context.abandon_locks();
        Ok(())
    }

    /// Commits what a trial agreed on.
    fn keep(&mut self) -> Result<Action, Objection> {
        if self.agreed.is_none() {
            return Err(FAILED);
        }
        let settled = self.context.settle();
        settled.map_err(|struck| struck.fault.reason)?;
        Ok(Action::Retry)
    }

    /// Leaves the state as it was before the message.
    fn drop_message(&mut self) -> Result<Action, Objection> {
        if self.agreed.is_some() {
            self.context.log.restore_all().map_err(reason)?;
            self.give_up()?;
        }
        if self.given_up.is_some() {
            return Err(HOOK);
        }
        let (words, sequence) = (thread_words(), self.context.sequence);
        // SAFETY: this thread's words.
        unsafe { gate::rewind(words, sequence, Gate::RolledBack) };
        // SAFETY: as above.
        unsafe { gate::omit(words, sequence) }.map_err(reason)?;
        integrity::end_handler(self.context);
        self.context.fault = self.context.incident.map(|incident| incident.fault);
        Ok(Action::Drop)
    }

    /// Reports what was survived; returns the receipt.
    #[inline(never)]
    fn end(self, action: Action) -> u64 {
        let classification = self.classification();
        self.context.runs = self.runs;
        self.context.finish();
        let (sequence, signature) = (self.context.sequence, own_words().signature);
        let fault = self.context.fault;
        let deferred = mem::replace(&mut self.context.deferred, Deferred::new());
        if let Some(mut incident) = self.context.incident.take() {
            (incident.action, incident.classification) = (action, classification);
            incident.trials = self.trials;
            incident.find_source();
            incident::report(&incident);
        }
        // The program's own callback may have called handlers.
        self.context.sequence = sequence;
        self.context.fault = fault;
        self.context.deferred = deferred;
        own_words().signature = signature;
        signature
    }

    #[inline(never)]
    fn stop(&mut self, note: Objection) -> ! {
        let classification = self.classification();
        if let Some(mut incident) = self.context.incident.take() {
            incident.classification = classification;
            incident.trials = self.trials;
            incident.note = note;
            // Looking the source up uses the heap.
            deadline::set(Some(&incident.text()));
            incident.find_source();
            deadline::take_back_last_words();
            incident::end(&incident);
        }
        incident::exit()
    }

    fn classification(&self) -> Classification {
        let incident = self.context.incident.as_ref();
        if incident.is_some_and(|incident| incident.fault.stage == Stage::Integrity) {
            return Classification::CorruptAtRest;
        }
        match self.agreed {
            Some(Trial::Elsewhere) if self.has_moved => Classification::Permanent,
            Some(_) => Classification::Transient,
            None if self.lost_arguments => Classification::CorruptAtRest,
            None if self.trials > 0 && self.only_input => Classification::CorruptAtRest,
            None if self.has_moved => Classification::Nondeterministic,
            None => Classification::Unknown,
        }
    }
}

fn footprint(context: &Context) -> Result<Footprint, Objection> {
    Footprint::of(&context.log, &context.events).map_err(reason)
}

fn reason(fault: Fault) -> Objection {
    fault.reason
}

/// Whether what a recorded run did beyond its stores is gone with them.
pub(super) fn can_be_undone(events: &EventLog) -> Result<bool, Fault> {
    let mut shared = 0_u64;
    for index in 0..events.count()? {
        let event = events.event(index)?;
        match event.kind {
            Kind::Allocate | Kind::Free | Kind::ThreadExit | Kind::AfterCommit | Kind::Lock => {}
            Kind::Effect if effect::only_asks(&event) => {}
            Kind::Effect => return Ok(false),
            Kind::Atomic => match atomic::net_change(&event) {
                Some(change) => shared = shared.wrapping_add(change),
                None => return Ok(false),
            },
        }
    }
    Ok(shared == 0)
}

/// Frees all blocks that an undone run has allocated, the latest first: an allocator that hands out what
/// came back last gives the next run the same blocks, and what the two runs store can be compared.
pub(super) fn give_back_blocks(events: &EventLog) -> Result<(), Fault> {
    for index in (0..events.count()?).rev() {
        let event = events.event(index)?;
        if event.kind == Kind::Allocate {
            // SAFETY: verified, of that kind, given back once; the run is undone.
            unsafe { allocation::give_back(&event) };
        }
    }
    Ok(())
}
