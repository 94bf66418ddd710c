//! Judges a life by what clients saw and how the process ended.
//!
//! In this order: a wrong reply, which has left whatever happened afterwards; a hang or the end of
//! the process; a connection that the server closed, which its client notices; a wrong state, read by
//! the last client; nothing. The protocol has no checksum, so nothing is caught at the receiver
//! but a missing reply.

use std::fs::File;

use nix::sys::signal::Signal;

use crate::failure::{Failure, Result};
use crate::oracle::{self, End, Verdict};
use crate::results::Outcome;
use crate::tracer::Stop;

fn verdict(outcome: Outcome, detail: impl Into<String>) -> Verdict {
    Verdict {
        outcome,
        detail: detail.into(),
        replies: 0,
    }
}

pub(super) fn wrong_reply(detail: &str) -> Verdict {
    verdict(Outcome::Sdc, detail)
}

pub(super) fn closed() -> Verdict {
    verdict(
        Outcome::CaughtAtReceiver,
        "a connection closed without a reply",
    )
}

pub(super) fn unnoticed(signals: &[Signal], errors: &File) -> Result<Verdict> {
    let (outcome, detail) = oracle::unnoticed(signals, &oracle::appended(errors, 0)?);
    Ok(verdict(outcome, detail))
}

pub(super) fn ended(
    end: Option<Stop>,
    signals: &[Signal],
    hung: bool,
    errors: &File,
) -> Result<Verdict> {
    if hung {
        return Ok(verdict(Outcome::Hung, "a reply is missing"));
    }
    let end = End {
        stop: end.unwrap_or(Stop::Killed(Signal::SIGKILL)),
        signals: signals.to_vec(),
        hung: false,
    };
    let (outcome, detail) = oracle::ended_early(&end, &oracle::appended(errors, 0)?);
    Ok(verdict(outcome, detail))
}

impl Verdict {
    /// Refuses whatever a server comes to that was not struck: a campaign in which healthy servers raise
    /// alarms or answer wrongly would mean nothing.
    pub(super) fn demand_unnoticed(&self) -> Result<()> {
        if self.outcome == Outcome::Masked && self.detail.is_empty() {
            return Ok(());
        }
        Err(Failure::new(
            "a server that is stepped but not struck to answer everything rightly",
            format!("{:?}: {}", self.outcome, self.detail),
            "see that the server works under load without the injector",
        ))
    }

    /// The same of a client that reads the state that was left.
    pub(super) fn of_state(mut self) -> Self {
        if self.outcome == Outcome::Sdc {
            self.outcome = Outcome::LatentSdc;
        }
        self
    }
}
