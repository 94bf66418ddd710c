//! Tells, instruction by instruction, whether a handler is being executed.
//!
//! `#[asc_handler]` calls the runtime with the handler's body, inlined or not, so that what belongs to
//! the call has a frame of that function around it ([`Place::handler`](super::place::Place)).
//! What such code calls belongs to the handler until it returns. What lies around it - a server's
//! own loop, a lock, the decision how to go on - is outside.

use iced_x86::FlowControl;

use crate::failure::Result;
use crate::profile::Site;
use crate::tracer::Tracee;

/// Follows one thread.
#[derive(Debug, Default)]
pub struct Whereabouts {
    /// Where what a handler has called returns to.
    returns_to: Option<u64>,
    /// The function of the handler's code that was executed last, unless it returned.
    left: Option<String>,
}

impl Whereabouts {
    /// Whether the instruction before which `tracee` stands is executed by a handler. Takes all
    /// instructions in their order; `stack` is the stack pointer.
    pub fn is_inside(&mut self, tracee: &Tracee, stack: u64, site: &Site) -> Result<bool> {
        if let Some(returns_to) = self.returns_to {
            if site.address != returns_to {
                return Ok(true);
            }
            self.returns_to = None;
        }
        if site.place.handler {
            let returns = site.facts.instruction.flow_control() == FlowControl::Return;
            self.left = (!returns).then(|| site.place.function().to_owned());
            return Ok(true);
        }
        match self.left.take() {
            // At a function's first instruction the return address lies on top of the stack, called
            // or jumped to.
            Some(function) if function != site.place.function() => {
                self.returns_to = Some(tracee.read_word(stack)?);
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}
