//! What follows the detection of a fault in page mode.
//!
//! 1. What the struck handler stored is undone by the time this begins, and verified.
//! 2. The handler is tried again, in pairs of runs from the start: on the same core, then on another. The
//!    first pair that agrees tells what kind of fault it was.
//! 3. Under `retry` what that pair agreed on is committed. Under `drop` it is undone, and the state stays
//!    as it was before the message. Under `abort` it is undone too and the process stops, with a
//!    deadline on all of this ([`deadline`]).
//! 4. Nothing is tried, and the process stops, when the state cannot be vouched for: the fault was none
//!    that leaves the means of recovery whole ([`policy::is_survivable`]); something was not undone; the
//!    handler has run an effect; its arguments changed; or not every store is seen on this machine.
//! 5. Of a handler that announces its stores, one may have escaped the announcements. What agrees then
//!    is not committed unless it dispels that [`Doubt`].

use crate::fault::{Fault, Stage};
use crate::incident::{self, Action, Classification, Incident, deadline};
use crate::policy::{self, OnFault};

use super::after_commit::Deferred;
use super::allocation;
use super::call::Call;
use super::context::{Context, current};
use super::doubt::{Doubt, Escape};
use super::effect::CLOSURE;
use super::event_log::Kind;
use super::execution::agree;
use super::gate;
use super::placement;
use super::sys::{own_words, protection_key, thread_words};

/// Pairs of runs that tell all kinds of faults apart: one on the same core, one on another.
const DIAGNOSIS_PAIRS: u8 = 2;

/// Why the process stops.
type Objection = &'static str;

const DAMAGED: Objection =
    "what recovery relies on was struck itself, or effects were on their way out already";
const ARGUMENTS: Objection =
    "the handler's arguments changed in memory, so it can neither run again nor give them back";
const SHARED: Objection = "the handler has run an effect, which is never undone; keep effects out of handlers that are to \
     be dropped or retried";
const UNGUARDED: Objection = "without protection keys a store may have escaped the rollback";
const STRAY: Objection =
    "a store may have gone to an unknown place, which nothing could undo; restart the process";
const UNANNOUNCED: Objection = "a store of the first run may have escaped its announcement, so it might not be undone; restart \
     the process";
const FAILED: Objection = "every trial failed";

const fn objection(escape: Escape) -> Objection {
    match escape {
        Escape::Stray => STRAY,
        Escape::Unannounced => UNANNOUNCED,
    }
}

/// Recovers as the handler's policy says: what both runs of a trial agreed on is committed, or the
/// message is dropped, and the signature proves which. What was survived is to be [`report`]ed.
///
/// # Safety
/// As for [`agree`]; a pair of runs with this call has just ended with `fault`.
#[cold]
pub(super) unsafe fn recover(
    context: &mut Context,
    call: &Call,
    frame: *mut u8,
    fault: &Fault,
) -> Incident {
    let mut incident = Incident::new(context.handler, context.run, fault);
    let on_fault = context.handler.map_or(OnFault::Abort, |handler| {
        policy::in_force(handler, call.can_tell)
    });
    if on_fault == OnFault::Abort && !deadline::set(Some(&incident.text())) {
        // Another thread is ending the process already.
        incident::end(&incident);
    }
    let mut trials = Trials::new(on_fault);
    // SAFETY: by contract.
    let outcome = unsafe { trials.make(context, call, frame, fault) };
    let outcome = outcome.and_then(|()| match on_fault {
        OnFault::Abort => Err(""),
        OnFault::Drop => drop_message(context, fault),
        OnFault::Retry(_) if trials.agreed.is_some() => Ok(Action::Retry),
        OnFault::Retry(_) => Err(FAILED),
    });
    incident.trials = trials.count;
    incident.classification = trials.classification();
    match outcome {
        Ok(action) => {
            incident.action = action;
            incident
        }
        Err(objection) => {
            // Whoever asked for it needs no reason.
            incident.note = if on_fault == OnFault::Abort {
                ""
            } else {
                objection
            };
            deadline::take_back_last_words();
            incident::end(&incident);
        }
    }
}

/// Where a pair of runs was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Here,
    Elsewhere,
}

/// What came of a pair of runs that is not kept.
enum Setback {
    Struck(Fault),
    /// The runs agree, but not on a state that can be vouched for.
    Doubtful(Escape),
}

impl From<Fault> for Setback {
    fn from(fault: Fault) -> Self {
        Self::Struck(fault)
    }
}

/// Pairs of runs after a fault, and what they say about it.
#[derive(Debug)]
struct Trials {
    pairs_max: u8,
    /// What a pair agrees on is committed.
    keep: bool,
    /// About what each struck pair has left.
    doubts: Vec<Doubt>,
    count: u32,
    agreed: Option<Place>,
    has_moved: bool,
    /// Every fault so far was a message that did not match its checksum.
    only_input: bool,
    /// The arguments are not what they were when the handler was called.
    lost_arguments: bool,
}

impl Trials {
    const fn new(on_fault: OnFault) -> Self {
        let (pairs_max, keep) = match on_fault {
            OnFault::Retry(times) => (times, true),
            OnFault::Drop | OnFault::Abort => (DIAGNOSIS_PAIRS, false),
        };
        Self {
            pairs_max,
            keep,
            doubts: Vec::new(),
            count: 0,
            agreed: None,
            has_moved: false,
            only_input: true,
            lost_arguments: false,
        }
    }

    /// Tries until a pair agrees or there were enough. Unless it is kept, the state is that before the
    /// message.
    ///
    /// # Safety
    /// As for [`recover`].
    unsafe fn make(
        &mut self,
        context: &mut Context,
        call: &Call,
        frame: *mut u8,
        fault: &Fault,
    ) -> Result<(), Objection> {
        let mut place = Place::Here;
        self.judge(context, fault)?;
        while self.count < self.pairs_max.into() {
            give_back_blocks(context)?;
            self.count += 1;
            // SAFETY: by contract; the state is that before the first run (P1).
            match unsafe { self.carry_out(context, call, frame, place) } {
                Ok(()) => {
                    self.agreed = Some(place);
                    break;
                }
                Err(Setback::Struck(again)) => self.judge(context, &again)?,
                Err(Setback::Doubtful(escape)) => {
                    self.agreed = Some(place);
                    return Err(objection(escape));
                }
            }
            place = Place::Elsewhere;
        }
        if !self.keep && !context.is_undone {
            return Err(DAMAGED);
        }
        match self.doubts.first() {
            Some(doubt) if !self.keep && self.agreed.is_none() => Err(objection(doubt.escape())),
            _ => Ok(()),
        }
    }

    /// # Safety
    /// As for [`recover`]; the state is that before the first run.
    unsafe fn carry_out(
        &mut self,
        context: &mut Context,
        call: &Call,
        frame: *mut u8,
        place: Place,
    ) -> Result<(), Setback> {
        let (keep, doubts) = (self.keep, &self.doubts);
        let mut pair = || {
            // SAFETY: by contract.
            let agreed = unsafe { agree(context, call, frame) }?;
            match doubts.as_slice() {
                [] => {}
                [doubt] => doubt
                    .judge(&agreed.noted_stores()?)
                    .map_err(Setback::Doubtful)?,
                [first, ..] => return Err(Setback::Doubtful(first.escape())),
            }
            if keep {
                agreed.commit()?
            }
            Ok(())
        };
        if place == Place::Here {
            return pair();
        }
        let (outcome, has_moved) = placement::elsewhere(pair);
        self.has_moved |= has_moved;
        outcome
    }

    /// Whether the state is as it was before the message, for all that is known after `fault`.
    fn judge(&mut self, context: &Context, fault: &Fault) -> Result<(), Objection> {
        if !policy::is_survivable(fault.stage) || !context.is_undone {
            return Err(DAMAGED);
        }
        if context.announced.is_running() {
            self.look_for_escapes(context)?;
        } else if protection_key::stack_key() == 0 {
            return Err(UNGUARDED);
        }
        self.only_input &= fault.stage == Stage::Input;
        self.lost_arguments = context.captured.compare().is_err();
        if self.lost_arguments {
            return Err(ARGUMENTS);
        }
        Ok(())
    }

    /// Looks at the announced stores of a struck pair, which are undone.
    fn look_for_escapes(&mut self, context: &Context) -> Result<(), Objection> {
        if context.run == 1 {
            // Only a message that does not match its checksum ends a first run, and by the fault
            // model that was the fault.
            return Ok(());
        }
        let stores = context.surroundings.noted().map_err(|fault| fault.reason)?;
        let (count, matched) = (stores.len(), context.surroundings.count());
        // A run that was abandoned has not come to its end.
        let was_followed = context.fault.is_none() && matched == count;
        self.doubts.extend(Doubt::of(stores, matched, was_followed));
        Ok(())
    }

    fn classification(&self) -> Classification {
        match self.agreed {
            Some(Place::Elsewhere) if self.has_moved => Classification::Permanent,
            Some(_) => Classification::Transient,
            None if self.lost_arguments => Classification::CorruptAtRest,
            None if self.count > 0 && self.only_input => Classification::CorruptAtRest,
            None if self.has_moved => Classification::Nondeterministic,
            None => Classification::Unknown,
        }
    }
}

fn drop_message(context: &mut Context, fault: &Fault) -> Result<Action, Objection> {
    give_back_blocks(context)?;
    let (words, sequence) = (thread_words(), context.sequence);
    // SAFETY: this thread's words.
    unsafe { gate::rewind(words, sequence, gate::Gate::RolledBack) };
    // SAFETY: as above.
    unsafe { gate::omit(words, sequence) }.map_err(|fault| fault.reason)?;
    context.deferred.clear();
    context.fault = Some(*fault);
    Ok(Action::Drop)
}

/// Frees what the struck handler had allocated. An effect of its own cannot be given back.
fn give_back_blocks(context: &Context) -> Result<(), Objection> {
    let count = context.events.count().map_err(|fault| fault.reason)?;
    let event = |index| context.events.event(index).map_err(|fault| fault.reason);
    for index in 0..count {
        let event = event(index)?;
        if event.kind == Kind::Effect && event.operands[0] == CLOSURE {
            return Err(SHARED);
        }
    }
    // The latest first, as the allocator hands them out again.
    for index in (0..count).rev() {
        let event = event(index)?;
        if event.kind == Kind::Allocate {
            // SAFETY: verified, of that kind, rolled back, and given back once.
            unsafe { allocation::release(&event) };
        }
    }
    Ok(())
}

/// Reports what was survived. The program's own callback may call handlers, on the same context: nobody
/// holds a reference to it meanwhile.
pub(super) fn report(incident: &Incident) {
    let context = current();
    asc_alloc::diversion::restore();
    context.run = 0;
    let (sequence, signature) = (context.sequence, own_words().signature);
    let (fault, runs) = (context.fault, context.runs);
    let deferred = core::mem::replace(&mut context.deferred, Deferred::new());
    incident::report(incident);
    let context = current();
    context.sequence = sequence;
    context.fault = fault;
    context.runs = runs;
    context.deferred = deferred;
    own_words().signature = signature;
}
