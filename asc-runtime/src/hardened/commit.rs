//! What was deferred until both runs agreed.
//!
//! Frees and registrations are carried out at once. Closures are only collected: they are the
//! application's code and run when the handler has ended.

use crate::fault::Fault;

use super::after_commit::Deferred;
use super::allocation;
use super::effect;
use super::event_log::{EventLog, Kind};

/// Demands that every event is whole, before any takes effect.
pub(crate) fn verify_events(events: &EventLog) -> Result<(), Fault> {
    (0..events.count()?).try_for_each(|index| events.event(index).map(drop))
}

/// Frees what the handler freed, registers what it registered and collects the closures that it
/// deferred.
pub(crate) fn carry_out_events(events: &EventLog, deferred: &mut Deferred) -> Result<(), Fault> {
    let count = events.count()?;
    for index in 0..count {
        let event = events.event(index)?;
        match event.kind {
            // SAFETY: verified, of that kind, and each is carried out once.
            Kind::Free => unsafe { allocation::carry_out(&event) },
            // SAFETY: likewise.
            Kind::ThreadExit => unsafe { effect::carry_out(&event) },
            Kind::AfterCommit => deferred.add(&event),
            Kind::Allocate | Kind::Atomic | Kind::Effect | Kind::Lock => {}
        }
    }
    Ok(())
}
