//! What kind of fault it was, as far as further runs can tell.

/// What further runs of a struck handler say about the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Classification {
    /// Gone when the handler ran again on the same core.
    Transient,
    /// Gone only when the handler ran on another core: suspect this one.
    Permanent,
    /// A message, its arguments or a line of the protected heap did not match their checksum, however
    /// often they were read: they changed while they rested in memory.
    CorruptAtRest,
    /// The runs kept differing, on another core too: suspect the handler. It may depend on something
    /// that is not recorded, such as the time-stamp counter.
    Nondeterministic,
    /// Not found out: the state could not be trusted enough for a further run, or there was no other
    /// core to tell the rest apart.
    Unknown,
}

impl Classification {
    /// The name used in incidents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Permanent => "permanent",
            Self::CorruptAtRest => "corrupt_at_rest",
            Self::Nondeterministic => "nondeterministic",
            Self::Unknown => "unknown",
        }
    }
}

/// What was done about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// The process stopped.
    Stop,
    /// The message was dropped.
    Drop,
    /// The handler was tried again, with success.
    Retry,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 3] = [Self::Stop, Self::Drop, Self::Retry];

    /// The name used in incidents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Drop => "drop",
            Self::Retry => "retry",
        }
    }
}
