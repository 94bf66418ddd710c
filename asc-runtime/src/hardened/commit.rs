//! What was deferred until both runs agreed.

use crate::fault::Fault;

use super::allocation;
use super::effect;
use super::event_log::{EventLog, Kind};

/// Frees what the handler freed and registers what it registered. Every event is verified before
/// any takes effect.
pub(crate) fn carry_out_events(events: &EventLog) -> Result<(), Fault> {
    let count = events.count()?;
    for index in 0..count {
        events.event(index)?;
    }
    for index in 0..count {
        let event = events.event(index)?;
        match event.kind {
            // SAFETY: verified, of that kind, and each is carried out once.
            Kind::Free => unsafe { allocation::carry_out(&event) },
            // SAFETY: likewise.
            Kind::ThreadExit => unsafe { effect::carry_out(&event) },
            Kind::Allocate | Kind::Atomic | Kind::Effect => {}
        }
    }
    Ok(())
}
