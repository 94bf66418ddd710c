//! What a run did that memory does not show: allocations, frees, atomics, clocks, randomness.
//!
//! The first run performs each of them once and appends an event. The second run must ask for the
//! same things in the same order with the same operands, and gets the recorded results. Frees and
//! destructor registrations take effect only at commit.
//!
//! # Invariants
//! - V1: events `0..count` are initialised and carry a checksum over their other words.
//! - V2: the payload of an effect lies at the arena offset in `result[1]`.

use crate::fault::{Fault, Stage};

use super::guarded::{Guarded, field};
use super::mapping::Mapping;
use super::memory::sum_of;

/// Events of a fresh log: 16 KiB.
const EVENTS_MIN: usize = 256;
const ARENA_BYTES_MIN: usize = 4 << 10;

/// What was asked for. The operands and results of each kind are documented where it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Kind {
    Allocate = 0x61,
    Free = 0x62,
    Atomic = 0x63,
    Effect = 0x64,
    ThreadExit = 0x65,
    AfterCommit = 0x66,
    Lock = 0x67,
}

/// One event: a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct Event {
    pub(crate) kind: Kind,
    pub(crate) operands: [u64; 4],
    pub(crate) result: [u64; 2],
    sum: u64,
}

const _: () = assert!(size_of::<Event>() == 64);

impl Event {
    const fn new(kind: Kind, operands: [u64; 4], result: [u64; 2]) -> Self {
        let mut event = Self {
            kind,
            operands,
            result,
            sum: 0,
        };
        event.sum = event.expected_sum();
        event
    }

    const fn expected_sum(&self) -> u64 {
        let [a, b, c, d] = self.operands;
        let [low, high] = self.result;
        sum_of([self.kind as u64, a, b, c, d, low, high])
    }

    fn verify(&self) -> Result<(), Fault> {
        let expected = self.expected_sum();
        if self.sum == expected {
            return Ok(());
        }
        Err(Fault::new(Stage::Runtime, "a recorded event is damaged").values(expected, self.sum))
    }
}

/// The events of one handler.
#[derive(Debug)]
pub(crate) struct EventLog {
    events: Mapping,
    arena: Mapping,
    arena_used: usize,
    position: usize,
    /// How many the first run made, once it has ended.
    count: Guarded<{ field::EVENT_COUNT }>,
    replaying: bool,
    /// The event at which an exchange was last told to try again; see [`EventLog::retry_exchange`].
    retried_at: usize,
}

/// No event.
const NOWHERE: usize = usize::MAX;

impl EventLog {
    pub(crate) fn new() -> Self {
        Self {
            events: Mapping::new(EVENTS_MIN * size_of::<Event>()),
            arena: Mapping::new(ARENA_BYTES_MIN),
            arena_used: 0,
            position: 0,
            count: Guarded::new(0),
            replaying: false,
            retried_at: NOWHERE,
        }
    }

    /// Forgets the last handler and starts recording.
    pub(crate) fn record(&mut self) {
        self.position = 0;
        self.arena_used = 0;
        self.count = Guarded::new(0);
        self.replaying = false;
    }

    /// Ends a recording run.
    pub(crate) fn end_recording(&mut self) {
        if !self.replaying {
            self.count = Guarded::new(self.position as u64);
        }
    }

    /// Whether what is asked for was recorded before.
    pub(crate) const fn is_replaying(&self) -> bool {
        self.replaying
    }

    /// Starts a run that replays what was recorded.
    pub(crate) fn replay(&mut self) {
        self.position = 0;
        self.replaying = true;
        self.retried_at = NOWHERE;
    }

    /// Performs and records, or demands that the record says the same and returns its result.
    pub(crate) fn step(
        &mut self,
        kind: Kind,
        operands: [u64; 4],
        perform: impl FnOnce(&mut Self) -> [u64; 2],
    ) -> Result<[u64; 2], Fault> {
        if self.replaying {
            return self.expect(kind, operands);
        }
        let event = Event::new(kind, operands, perform(self));
        if (self.position + 1) * size_of::<Event>() > self.events.len() {
            self.events.grow((self.position + 1) * size_of::<Event>());
        }
        // SAFETY: the mapping was grown to hold this index.
        unsafe { self.pointer(self.position).write(event) };
        self.position += 1;
        Ok(event.result)
    }

    /// What a replayed compare-and-exchange finds if it must fail and be tried again.
    ///
    /// The compiler makes a loop of the operations that it has no hook for (`fetch_max`): a plain
    /// load, then exchanges until one succeeds. The load may see another value in each run, because
    /// shared memory is not rolled back; so may the number of attempts that fail. What counts is the
    /// attempt that succeeds: the second run must make exactly that one. On the way there
    ///
    /// - a recorded attempt that failed, which changed nothing, may be left out;
    /// - an attempt that expects something else than the one that succeeded fails too, once, and
    ///   finds what that one found. The loop then asks again, and is judged by [`Self::step`].
    pub(crate) fn retry_exchange(&mut self, operands: [u64; 4]) -> Result<Option<[u64; 2]>, Fault> {
        if !self.replaying {
            return Ok(None);
        }
        let count = self.count.get()? as usize;
        for index in self.position..count {
            let event = self.event(index)?;
            let is_same_place = event.kind == Kind::Atomic && event.operands[..2] == operands[..2];
            if !is_same_place {
                return Ok(None);
            }
            if event.operands == operands {
                self.position = index;
                return Ok(None);
            }
            let [_, _, _, expected] = event.operands;
            let has_succeeded = sum_of(event.result) == expected;
            if has_succeeded {
                if expected == operands[3] || self.retried_at == index {
                    return Ok(None);
                }
                (self.position, self.retried_at) = (index, index);
                return Ok(Some(event.result));
            }
        }
        Ok(None)
    }

    fn expect(&mut self, kind: Kind, operands: [u64; 4]) -> Result<[u64; 2], Fault> {
        let count = self.count.get()? as usize;
        if self.position >= count {
            return Err(Fault::new(
                Stage::SecondRun,
                "the second run allocates, frees or asks more often",
            )
            .values(count as u64, self.position as u64 + 1));
        }
        let event = self.event(self.position)?;
        if event.kind != kind {
            return Err(Fault::new(Stage::SecondRun, kind_differs(kind))
                .values(event.kind as u64, kind as u64));
        }
        for (expected, found) in event.operands.into_iter().zip(operands) {
            if expected != found {
                return Err(
                    Fault::new(Stage::SecondRun, operands_differ(kind)).values(expected, found)
                );
            }
        }
        self.position += 1;
        Ok(event.result)
    }

    /// Demands that the second run asked as often as the first.
    pub(crate) fn compare(&self) -> Result<(), Fault> {
        let count = self.count.get()?;
        if count == self.position as u64 {
            return Ok(());
        }
        Err(Fault::new(
            Stage::Compare,
            "the second run allocates, frees or asks less often",
        )
        .values(count, self.position as u64))
    }

    /// Number of events of the recorded run.
    pub(crate) fn count(&self) -> Result<usize, Fault> {
        Ok(self.count.get()? as usize)
    }

    /// Event number `index`, verified.
    pub(crate) fn event(&self, index: usize) -> Result<Event, Fault> {
        if (index + 1) * size_of::<Event>() > self.events.len() {
            return Err(Fault::new(
                Stage::Runtime,
                "the event log is longer than its memory",
            ));
        }
        // SAFETY: inside the mapping; below the count it is initialised (V1). A damaged kind is
        // read as a plain word by `raw`, before an enum is made of it.
        let event = unsafe { self.raw(index) }?;
        event.verify()?;
        Ok(event)
    }

    /// # Safety
    /// `index` lies inside the mapping.
    unsafe fn raw(&self, index: usize) -> Result<Event, Fault> {
        let pointer = self.pointer(index);
        // SAFETY: by contract; `kind` is the first word of a `repr(C)` structure.
        let kind = unsafe { pointer.cast::<u64>().read_volatile() };
        if !(Kind::Allocate as u64..=Kind::Lock as u64).contains(&kind) {
            return Err(Fault::new(Stage::Runtime, "a recorded event has no kind").values(0, kind));
        }
        // SAFETY: by contract; the kind is a valid one.
        Ok(unsafe { pointer.read() })
    }

    /// The shared places that atomic operations were executed on, once.
    pub(crate) fn atomic_ranges(&self) -> impl Iterator<Item = (usize, usize)> {
        let events = (0..self.position).filter_map(|index| self.event(index).ok());
        events
            .filter(|event| event.kind == Kind::Atomic)
            .map(|event| {
                (
                    event.operands[0] as usize,
                    (event.operands[1] & 0xFF) as usize,
                )
            })
    }

    /// Makes room for `length` bytes of payload; returns their offset.
    pub(crate) fn reserve(&mut self, length: usize) -> u64 {
        let offset = self.arena_used;
        if offset + length > self.arena.len() {
            self.arena.grow(offset + length);
        }
        self.arena_used = (offset + length).next_multiple_of(8);
        offset as u64
    }

    /// The payload at `offset` (V2).
    pub(crate) fn payload(&self, offset: u64) -> *mut u8 {
        self.arena.base().wrapping_add(offset as usize)
    }

    /// Whether that much payload can lie at `offset`.
    pub(crate) fn holds(&self, offset: u64, length: usize) -> bool {
        let end = (offset as usize).checked_add(length);
        end.is_some_and(|end| end <= self.arena.len())
    }

    /// Where the log itself lies.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (usize, usize)> {
        [self.events.range(), self.arena.range()].into_iter()
    }

    /// Bytes in use.
    pub(crate) fn bytes(&self) -> usize {
        self.position * size_of::<Event>() + self.arena_used
    }

    fn pointer(&self, index: usize) -> *mut Event {
        self.events.base().cast::<Event>().wrapping_add(index)
    }
}

const fn kind_differs(kind: Kind) -> &'static str {
    match kind {
        Kind::Allocate => "only the second run allocates here",
        Kind::Free => "only the second run frees here",
        Kind::Atomic => "only the second run performs an atomic operation here",
        Kind::Effect => "only the second run asks the system here",
        Kind::ThreadExit => "only the second run registers a thread-local destructor here",
        Kind::AfterCommit => "only the second run defers a closure here",
        Kind::Lock => "only the second run asks for a lock here",
    }
}

const fn operands_differ(kind: Kind) -> &'static str {
    match kind {
        Kind::Allocate => "the runs allocate different sizes or alignments",
        Kind::Free => "the runs free different blocks",
        Kind::Atomic => "the runs perform different atomic operations",
        Kind::Effect => "the runs ask the system different things",
        Kind::ThreadExit => "the runs register different thread-local destructors",
        Kind::AfterCommit => "the runs defer different closures",
        Kind::Lock => "the runs ask for different locks",
    }
}
