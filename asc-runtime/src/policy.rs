//! What happens to a handler that was struck, in every mode.
//!
//! 1. The policy in force is the handler's own, `#[asc_handler(on_fault = …)]`. Without one it is the
//!    process's ([`Setup`](crate::Setup) and the environment), which is to stop unless said otherwise.
//! 2. Only a fault that left the means of recovery whole can be survived: [`is_survivable`]. After any
//!    other the process stops, whatever the policy.
//! 3. An engine that cannot vouch for the state it would go on with stops as well.

use core::fmt;
use core::str::FromStr;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::__private::Handler;
use crate::fault::Stage;

/// What happens when a fault is detected in a handler.
///
/// Written `abort`, `drop` or `retry(3)` in `#[asc_handler(on_fault = …)]` and in the environment
/// variable `ASC_ON_FAULT`.
///
/// Whatever the policy, the process stops when the state it would go on with is in doubt: the fault was
/// found in the rollback, in the runtime's own records, in the control flow or after the commit had
/// begun; state has rotted, or was written to from outside of handlers; a store may have gone astray
/// or escaped the log; or a run that has to be undone has called [`effect`](crate::effect), or changed
/// shared memory by atomic operations that do not cancel each other. The incident's
/// [`note`](crate::Incident::note) says which.
///
/// Going on relies on memory that is protected while it rests (ECC): a bit of the state that flips
/// between two runs shows as their difference, and which value was right is not known. A run that hangs
/// or crashes is not survived, nor, with `panic = "abort"`, one that panics.
///
/// Handlers called by a handler are a part of it, and their own policies do not apply.
///
/// ```
/// use asc_runtime::OnFault;
///
/// assert_eq!("retry(3)".parse(), Ok(OnFault::Retry(3)));
/// assert_eq!(OnFault::Drop.to_string(), "drop");
/// assert!("retry(0)".parse::<OnFault>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnFault {
    /// The process stops with [`EXIT_FAULT`](crate::EXIT_FAULT) before anything of the handler
    /// leaves it.
    #[default]
    Abort,
    /// The state returns to what it was before the message, nothing of it leaves, and the caller
    /// gets an error made of the [`Fault`](crate::Fault).
    Drop,
    /// The handler is tried again: in hardened builds once more against the first run's record, where
    /// that can be trusted, then from the start, this many times at most (1 to 255). The process stops
    /// when no trial succeeds. The caller notices nothing but the time it takes.
    Retry(u8),
}

impl fmt::Display for OnFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Abort => formatter.write_str("abort"),
            Self::Drop => formatter.write_str("drop"),
            Self::Retry(times) => write!(formatter, "retry({times})"),
        }
    }
}

/// A text that is no [`OnFault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OnFaultError;

impl fmt::Display for OnFaultError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "expected `abort`, `drop` or `retry(n)` with n from 1 to 255, for instance `retry(3)`",
        )
    }
}

impl core::error::Error for OnFaultError {}

impl FromStr for OnFault {
    type Err = OnFaultError;

    fn from_str(text: &str) -> Result<Self, OnFaultError> {
        match text.trim() {
            "abort" => Ok(Self::Abort),
            "drop" => Ok(Self::Drop),
            other => other
                .strip_prefix("retry(")
                .and_then(|rest| rest.strip_suffix(')'))
                .and_then(|times| times.trim().parse().ok())
                .filter(|&times| times > 0)
                .map(Self::Retry)
                .ok_or(OnFaultError),
        }
    }
}

/// The process's policy, as [`encode`] writes it.
static PROCESS: AtomicU64 = AtomicU64::new(encode(OnFault::Abort));

/// Sets the policy of the handlers that have none of their own.
pub(crate) fn set_for_process(on_fault: OnFault) {
    PROCESS.store(encode(on_fault), Ordering::Relaxed);
}

/// The policy of the handlers that have none of their own.
pub(crate) fn of_process() -> OnFault {
    decode(PROCESS.load(Ordering::Relaxed))
}

/// The policy in force for `handler`; `can_tell` says whether its result can carry a fault to the
/// caller. One that cannot is never dropped.
pub(crate) fn in_force(handler: &Handler, can_tell: bool) -> OnFault {
    match handler.on_fault.unwrap_or_else(of_process) {
        OnFault::Drop if !can_tell => OnFault::Abort,
        on_fault => on_fault,
    }
}

/// Whether a policy other than [`OnFault::Abort`] may apply to a fault of this stage.
///
/// | stage | survivable | because |
/// |---|---|---|
/// | `input`, `first_run`, `second_run`, `compare`, `output` | yes | the fault is in what a run read, computed or wrote, and all that is undone |
/// | `rollback` | no | the state did not return to what it was |
/// | `commit` | no | a part of the handler's effects may be out |
/// | `control_flow` | no | what was executed is unknown |
/// | `runtime` | no | the log or the record that recovery would use is damaged |
/// | `integrity` | no | what rested in memory is gone, and trying again brings nothing back |
/// | `stray_write` | no | whoever writes there knows nothing of handlers |
pub(crate) const fn is_survivable(stage: Stage) -> bool {
    match stage {
        Stage::Input | Stage::FirstRun | Stage::SecondRun | Stage::Compare | Stage::Output => true,
        Stage::Integrity
        | Stage::Rollback
        | Stage::Commit
        | Stage::ControlFlow
        | Stage::Runtime
        | Stage::StrayWrite => false,
    }
}

const RETRY: u64 = 1 << 8;
const DROP: u64 = 2 << 8;
const ABORT: u64 = 3 << 8;

const fn encode(on_fault: OnFault) -> u64 {
    match on_fault {
        OnFault::Abort => ABORT,
        OnFault::Drop => DROP,
        OnFault::Retry(times) => RETRY | times as u64,
    }
}

/// A word that is none of ours was struck itself: then the process stops, the safest of all.
const fn decode(word: u64) -> OnFault {
    match word & !0xFF {
        RETRY if word != RETRY => OnFault::Retry((word & 0xFF) as u8),
        DROP if word == DROP => OnFault::Drop,
        _ => OnFault::Abort,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_policy() -> impl Strategy<Value = OnFault> {
        prop_oneof![
            Just(OnFault::Abort),
            Just(OnFault::Drop),
            (1..=u8::MAX).prop_map(OnFault::Retry)
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(policy in any_policy()) {
            prop_assert_eq!(policy.to_string().parse(), Ok(policy));
            prop_assert_eq!(decode(encode(policy)), policy);
        }

        #[test]
        fn other_texts_are_refused(text in "[a-z()0-9 ]{0,12}") {
            match text.parse::<OnFault>() {
                Ok(policy) => prop_assert_eq!(policy.to_string(), text.replace(' ', "")),
                Err(error) => prop_assert!(error.to_string().contains("retry(3)")),
            }
        }

        #[test]
        fn a_struck_policy_never_drops_or_retries_more_by_itself(word: u64) {
            if decode(word) != OnFault::Abort {
                prop_assert_eq!(encode(decode(word)), word);
            }
        }
    }

    #[test]
    fn only_what_can_tell_its_caller_is_dropped() {
        static DROPPED: Handler = Handler::new("h", "f", 1).on_fault(OnFault::Drop);
        static RETRIED: Handler = Handler::new("h", "f", 1).on_fault(OnFault::Retry(2));
        static PLAIN: Handler = Handler::new("h", "f", 1);
        assert_eq!(in_force(&DROPPED, true), OnFault::Drop);
        assert_eq!(in_force(&DROPPED, false), OnFault::Abort);
        assert_eq!(in_force(&RETRIED, false), OnFault::Retry(2));
        assert_eq!(in_force(&PLAIN, true), OnFault::Abort);
    }
}
