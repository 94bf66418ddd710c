//! Which handlers wait for each other's locks in a circle.
//!
//! Each thread publishes the locks that its handler holds and the one it waits for. Nobody looks while
//! locks are free; a thread that has waited for a while looks for a path from the lock it wants over
//! its holders, and the locks that those want, back to itself.
//!
//! What it reads changes meanwhile, so one look proves nothing. The circle is real when a second look
//! finds it unchanged and every member has been refused its lock once more in between: each of them
//! then held and waited at one common time, and none can go on by itself.
//!
//! The atomics and the size are those of `graph_atomics`: in `tests/lock_graph.rs` a model checker's.

use core::ptr;

pub(crate) use super::graph_atomics::LOCKS_MAX;
use super::graph_atomics::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Members of a circle that is found. A longer one is not.
const CIRCLE_MAX: usize = 16;

/// One thread in the graph: written by it, read by all.
#[derive(Debug)]
pub(crate) struct Waiter {
    held: [AtomicUsize; LOCKS_MAX],
    waits_for: AtomicUsize,
    /// Counts the changes of the two above.
    changes: AtomicU64,
    /// Counts the times that it was refused the lock it waits for.
    refusals: AtomicU64,
    /// Whether its handler can be undone and begin anew.
    is_revocable: AtomicBool,
    /// How often the handler in progress has done so.
    begun_anew: AtomicU64,
}

impl Waiter {
    pub(crate) fn new() -> Self {
        Self {
            held: core::array::from_fn(|_| AtomicUsize::new(0)),
            waits_for: AtomicUsize::new(0),
            changes: AtomicU64::new(0),
            refusals: AtomicU64::new(0),
            is_revocable: AtomicBool::new(false),
            begun_anew: AtomicU64::new(0),
        }
    }

    /// Publishes what is held in a place of the thread's list: a lock's address, or 0.
    pub(crate) fn hold(&self, index: usize, lock: usize) {
        self.held[index].store(lock, Ordering::Release);
        self.change();
    }

    /// Publishes what the thread is about to wait for.
    pub(crate) fn wait(&self, lock: usize, is_revocable: bool) {
        self.is_revocable.store(is_revocable, Ordering::Release);
        self.waits_for.store(lock, Ordering::Release);
        self.change();
    }

    /// The lock was not to be had.
    pub(crate) fn refused(&self) {
        increment(&self.refusals);
    }

    /// The thread waits no longer.
    pub(crate) fn go_on(&self) {
        self.waits_for.store(0, Ordering::Release);
        self.change();
    }

    pub(crate) fn begin_anew(&self) {
        increment(&self.begun_anew);
    }

    /// Another handler begins.
    pub(crate) fn start(&self) {
        self.begun_anew.store(0, Ordering::Release);
    }

    fn change(&self) {
        increment(&self.changes);
    }

    fn holds(&self, lock: usize) -> bool {
        let mut held = self.held.iter();
        held.any(|held| held.load(Ordering::Acquire) == lock)
    }
}

/// Adds 1 to a counter that only this thread writes.
fn increment(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Release);
}

/// A thread that was seen in a circle.
#[derive(Debug, Clone, Copy)]
struct Member<'a> {
    waiter: &'a Waiter,
    changes: u64,
    refusals: u64,
}

impl<'a> Member<'a> {
    /// Refusals first: whoever sees a refusal sees the changes before it.
    fn of(waiter: &'a Waiter) -> Self {
        let refusals = waiter.refusals.load(Ordering::Acquire);
        let changes = waiter.changes.load(Ordering::Acquire);
        Self {
            waiter,
            changes,
            refusals,
        }
    }

    /// Whether this thread is where it was in an earlier look.
    fn is_unchanged(&self, earlier: &Self) -> bool {
        ptr::eq(self.waiter, earlier.waiter) && self.changes == earlier.changes
    }
}

/// Threads each of which waits for the next, and the last for the first.
#[derive(Debug)]
pub(crate) struct Circle<'a> {
    members: [Option<Member<'a>>; CIRCLE_MAX],
    count: usize,
}

impl<'a> Circle<'a> {
    /// One look: a circle that `waiter` seems to be in.
    pub(crate) fn find<I>(waiter: &'a Waiter, all: &impl Fn() -> I) -> Option<Self>
    where
        I: Iterator<Item = &'a Waiter>,
    {
        let mut path = Self {
            members: [None; CIRCLE_MAX],
            count: 0,
        };
        path.push(Member::of(waiter));
        path.reach_start(waiter.waits_for.load(Ordering::Acquire), all)
            .then_some(path)
    }

    /// Whether this look finds what an earlier one found.
    pub(crate) fn is_same(&self, earlier: &Self) -> bool {
        self.count == earlier.count
            && self
                .members()
                .zip(earlier.members())
                .all(|(now, then)| now.is_unchanged(then))
    }

    /// Whether every member was refused its lock again since the earlier look, which found the same.
    pub(crate) fn is_confirmed_since(&self, earlier: &Self) -> bool {
        self.is_same(earlier)
            && self
                .members()
                .zip(earlier.members())
                .all(|(now, then)| now.refusals > then.refusals)
    }

    /// Which of them gives way; all of them say the same.
    pub(crate) fn gives_way(&self, waiter: &Waiter) -> bool {
        let rank = |member: &&Member<'a>| {
            let Member { waiter, .. } = member;
            (
                waiter.is_revocable.load(Ordering::Acquire),
                u64::MAX - waiter.begun_anew.load(Ordering::Acquire),
                ptr::from_ref(*waiter).addr(),
            )
        };
        let chosen = self.members().max_by_key(rank);
        chosen.is_some_and(|member| ptr::eq(member.waiter, waiter))
    }

    /// Extends the path over a holder of `lock` until the first member holds what the last one wants.
    fn reach_start<I>(&mut self, lock: usize, all: &impl Fn() -> I) -> bool
    where
        I: Iterator<Item = &'a Waiter>,
    {
        for waiter in all() {
            let member = Member::of(waiter);
            if lock == 0 || !waiter.holds(lock) {
                continue;
            }
            if self.count > 1 && self.starts_with(waiter) {
                return true;
            }
            let wanted = waiter.waits_for.load(Ordering::Acquire);
            if wanted == 0 || self.contains(waiter) || !self.push(member) {
                continue;
            }
            if self.reach_start(wanted, all) {
                return true;
            }
            self.count -= 1;
        }
        false
    }

    fn push(&mut self, member: Member<'a>) -> bool {
        let Some(place) = self.members.get_mut(self.count) else {
            return false;
        };
        *place = Some(member);
        self.count += 1;
        true
    }

    fn starts_with(&self, waiter: &Waiter) -> bool {
        let first = self.members().next();
        first.is_some_and(|member| ptr::eq(member.waiter, waiter))
    }

    fn contains(&self, waiter: &Waiter) -> bool {
        self.members().any(|member| ptr::eq(member.waiter, waiter))
    }

    fn members(&self) -> impl Iterator<Item = &Member<'a>> {
        self.members[..self.count].iter().flatten()
    }
}
