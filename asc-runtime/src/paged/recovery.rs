//! What follows the detection of a fault in page mode.
//!
//! 1. What the struck handler stored is undone by the time this begins, and verified.
//! 2. Under `retry` pairs of runs follow from the start, until one agrees and is committed. Under `drop`
//!    the state stays as it was before the message. Under `abort` the process stops.
//! 3. The process stops as well when the policy cannot be followed: the fault was none that leaves the
//!    means of recovery whole ([`policy::is_survivable`]); something was not undone; the handler has run
//!    an effect; its arguments changed; or not every store is seen on this machine.

use crate::fault::Fault;
use crate::incident::{self, Action, Classification, Incident};
use crate::policy::{self, OnFault};

use super::allocation;
use super::context::Context;
use super::effect::CLOSURE;
use super::event_log::Kind;
use super::execution::{Call, attempt};
use super::gate;
use super::sys::{own_words, protection_key, thread_words};

/// Why the process stops.
type Objection = &'static str;

const DAMAGED: Objection =
    "what recovery relies on was struck itself, or effects were on their way out already";
const ARGUMENTS: Objection =
    "the handler's arguments changed in memory, so it can neither run again nor give them back";
const SHARED: Objection = "the handler has run an effect, which is never undone; keep effects out of handlers that are to \
     be dropped or retried";
const UNGUARDED: Objection = "without protection keys a store may have escaped the rollback";
const FAILED: Objection = "every trial failed";

/// Recovers as the handler's policy says: what both runs of a trial agreed on is committed, or the
/// message is dropped, and the signature proves which.
///
/// # Safety
/// As for [`attempt`], which has just found `fault`.
#[cold]
pub(super) unsafe fn recover(context: &mut Context, call: &Call, frame: *mut u8, fault: &Fault) {
    let mut incident = Incident::new(context.handler, context.run, fault);
    let on_fault = context.handler.map_or(OnFault::Abort, |handler| {
        policy::in_force(handler, call.can_tell)
    });
    // SAFETY: by contract.
    let outcome = match on_fault {
        OnFault::Abort => Err(""),
        OnFault::Drop => may_go_on(context, fault).and_then(|()| drop_message(context, fault)),
        OnFault::Retry(times) => {
            // SAFETY: by contract.
            unsafe { retry(context, call, frame, fault, times, &mut incident) }
        }
    };
    match outcome {
        Ok(action) => report(context, incident, action),
        Err(objection) => {
            incident.note = objection;
            incident::end(&incident);
        }
    }
}

/// # Safety
/// As for [`recover`].
unsafe fn retry(
    context: &mut Context,
    call: &Call,
    frame: *mut u8,
    fault: &Fault,
    times: u8,
    incident: &mut Incident,
) -> Result<Action, Objection> {
    let mut last = *fault;
    for _ in 0..times {
        may_go_on(context, &last)?;
        give_back_blocks(context)?;
        incident.trials += 1;
        // SAFETY: by contract; the state is that before the first run (P1).
        match unsafe { attempt(context, call, frame) } {
            Ok(()) => {
                incident.classification = Classification::Transient;
                return Ok(Action::Retry);
            }
            Err(again) => last = again,
        }
    }
    Err(FAILED)
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

/// Whether the state is as it was before the message, for all that is known.
fn may_go_on(context: &Context, fault: &Fault) -> Result<(), Objection> {
    if !policy::is_survivable(fault.stage) || !context.is_undone {
        return Err(DAMAGED);
    }
    if protection_key::stack_key() == 0 && !context.announced.is_running() {
        return Err(UNGUARDED);
    }
    context.captured.compare().map_err(|_| ARGUMENTS)
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
    for index in 0..count {
        let event = event(index)?;
        if event.kind == Kind::Allocate {
            // SAFETY: verified, of that kind, rolled back, and given back once.
            unsafe { allocation::release(&event) };
        }
    }
    Ok(())
}

/// The program's own callback may call handlers.
fn report(context: &mut Context, mut incident: Incident, action: Action) {
    let (sequence, signature) = (context.sequence, own_words().signature);
    let (fault, runs) = (context.fault, context.runs);
    let deferred = core::mem::replace(&mut context.deferred, super::after_commit::Deferred::new());
    asc_alloc::diversion::restore();
    context.run = 0;
    incident.action = action;
    incident::report(&incident);
    context.sequence = sequence;
    context.fault = fault;
    context.runs = runs;
    context.deferred = deferred;
    own_words().signature = signature;
}
