//! What remains to be done after a handler.

/// What the event loop does after a handler returned.
///
/// One word, so that it travels in a register. A larger one is written in pieces and copied as a
/// whole, and such a copy waits until every earlier store has reached the cache: 100 ns for a
/// handler that missed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(8))]
pub enum Disposition {
    /// Nothing: the request was answered, or silent as it asked to be.
    Done,
    /// Send what was said and close the connection.
    Close,
    /// The keys from byte `at` of the request on are still to be served, by shard `shard`:
    /// call [`Shard::resume`](crate::Shard::resume).
    Continue {
        /// Number of the shard.
        shard: u16,
        /// Offset in the request; 0 when nothing of it was served.
        at: u32,
    },
    /// Answered. Every other shard follows:
    /// call [`Shard::follow`](crate::Shard::follow).
    Everywhere,
    /// Answered. Every other shard follows, and the server resets its own counters.
    EverywhereReset,
    /// Answered. The server logs at this level from now on.
    Verbosity(u32),
    /// Not answered: the command is `stats detail`.
    Details,
    /// Not answered: the command is about the server and not about items.
    Administer,
    /// Not answered: gather the statistics and call
    /// [`write_statistics`](crate::statistics::write_statistics).
    Statistics(crate::protocol::StatisticsKind),
}
const _: () = assert!(size_of::<Disposition>() == size_of::<u64>());
