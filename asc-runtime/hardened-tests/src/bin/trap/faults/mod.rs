//! The faults, one file per place where they strike.

mod allocations;
mod control_flow;
mod effects;
mod events;
mod locks;
mod messages;
mod none;
mod state;

/// A fault's name and the program that suffers it.
pub(crate) type Fault = (&'static str, fn());

/// Every fault.
pub(crate) fn all() -> Vec<Fault> {
    [
        none::FAULTS,
        allocations::FAULTS,
        control_flow::FAULTS,
        effects::FAULTS,
        events::FAULTS,
        locks::FAULTS,
        messages::FAULTS,
        state::FAULTS,
    ]
    .concat()
}
