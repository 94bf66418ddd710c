//! What a concept under test looks like to the driver.

/// Threads that may run subjects at the same time.
pub(crate) const THREADS_MAX: usize = 8;
/// Copies of a subject on one thread: hardened and plain.
pub(crate) const SIDES: usize = 2;
/// Places for state that subjects keep in statics.
pub(crate) const PLACES: usize = THREADS_MAX * SIDES;

/// Which copy on which thread a subject is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) thread: usize,
    pub(crate) side: usize,
}

impl Place {
    /// An index that no other subject of this kind has.
    pub(crate) const fn index(self) -> usize {
        self.thread * SIDES + self.side
    }
}

/// A state and the operations on it.
pub(crate) trait Subject {
    const NAME: &'static str;

    /// Steps that are audited at most, where audits are slow.
    const AUDITS_MAX: u64 = u64::MAX;

    /// Whether its steps call handlers themselves. What those leave behind is protected memory in page
    /// mode, which only handlers change: there both copies are changed by handlers, and what is compared
    /// is the digest with a plain program's.
    const CALLS_HANDLERS: bool = false;

    /// The state at the beginning, equal in every place.
    fn new(place: Place) -> Self;

    /// Performs one operation, chosen by `random` alone; inside a handler on the hardened side.
    /// The result must not depend on addresses, times or hash seeds.
    fn step(&mut self, random: u64) -> u64;

    /// What belongs after a handler, such as reading its output.
    fn settle(&mut self) {}

    /// The whole state in one word.
    fn digest(&self) -> u64;
}
