//! Locks inside handlers: taken in the first run, released at the commit.
//!
//! 1. A lock that the first run asks for is taken, unless the handler has it already. Guards are
//!    counted; dropping one releases nothing.
//! 2. Every request is an event, `Lock [lock, operation, 0, 0] -> [answer, 0]`, which the second run
//!    repeats. It runs on data that nobody else could change.
//! 3. The commit releases what no guard holds any more, before it frees anything.
//!
//! A first run that cannot go on without deadlock, or that wants to write what it has read under a
//! shared lock, is undone, releases everything and begins anew.
//!
//! # Invariants
//! - K1: a lock in the list is valid until it is released: the second run will reach it again, blocks
//!   that the handler frees are released later, and its frames are above the stack pointer or were
//!   never listed as taken.

use core::ptr;
use core::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::lock_api::{
    RawRwLock as _, RawRwLockDowngrade as _, RawRwLockRecursive as _, RawRwLockTimed as _,
};

use crate::fault::Fault;
use crate::refuse::refuse;
use crate::sync::{Answer, Lock, Mode};

use super::Returned;
use super::context::{Context, Counters, current, waiters};
use super::event_log::Kind;
use super::lock_graph::{Circle, LOCKS_MAX};
use super::recovery;
use super::sys::{abandon_body, handler_active, in_effect, private_entry, thread_words};
use super::undo_log::own_words;

/// How long a thread waits before it looks whether it waits in a circle.
const PATIENCE: Duration = Duration::from_millis(5);

/// What a handler asks of a lock.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operation {
    Lock(Mode),
    TryLock(Mode),
    Unlock(Mode),
    IsPoisoned,
}

impl Operation {
    const fn code(self) -> u64 {
        match self {
            Operation::Lock(mode) => 0x10 | mode as u64,
            Operation::TryLock(mode) => 0x20 | mode as u64,
            Operation::Unlock(mode) => 0x30 | mode as u64,
            Operation::IsPoisoned => 0x40,
        }
    }

    const fn from_code(code: u64) -> Self {
        let mode = if code & 1 == Mode::Shared as u64 {
            Mode::Shared
        } else {
            Mode::Exclusive
        };
        match code >> 4 {
            1 => Operation::Lock(mode),
            2 => Operation::TryLock(mode),
            3 => Operation::Unlock(mode),
            _ => Operation::IsPoisoned,
        }
    }
}

/// Whether a lock's operation is a handler's, or that of a closure which a handler runs once.
#[inline]
pub(crate) fn is_concerned() -> bool {
    handler_active() || in_effect()
}

/// Performs an operation for a handler.
pub(crate) fn ask(lock: &Lock, operation: Operation) -> Answer {
    // SAFETY: a live lock; a handler or its effect is in progress.
    let bits = unsafe { asc_lock(lock, operation.code()) };
    Answer {
        is_granted: bits & 1 != 0,
        is_poisoned: bits & 2 != 0,
    }
}

/// Marks the data, or takes the mark away. A store of the handler's, undone like any other.
pub(crate) fn poison(lock: &Lock, value: bool) {
    // SAFETY: as for `ask`.
    unsafe { asc_poison(lock, value) };
}

private_entry! {
    fn asc_lock(lock: *const Lock, code: u64) -> u64;
    outside = lock_in_effect; inside = lock_inside;
}
private_entry! {
    fn asc_poison(lock: *const Lock, value: bool);
    outside = poison_now; inside = poison_inside;
}

unsafe extern "C" fn lock_inside(lock: *const Lock, code: u64) -> Returned {
    let context = current();
    let answer = if context.events.is_replaying() {
        0
    } else {
        // SAFETY: `ask` passed a live lock.
        pack(context.operate(unsafe { &*lock }, Operation::from_code(code)))
    };
    let operands = [lock.expose_provenance() as u64, code, 0, 0];
    let outcome = context.events.step(Kind::Lock, operands, |_| [answer, 0]);
    let [answer, _] = context.demand(outcome);
    Returned::word(answer)
}

/// A closure that is executed once takes and releases locks as code outside of handlers does, but for
/// those that its handler has: they stay where they are.
unsafe extern "C" fn lock_in_effect(lock: *const Lock, code: u64) -> u64 {
    // SAFETY: `ask` passed a live lock.
    let lock = unsafe { &*lock };
    let operation = Operation::from_code(code);
    let context = current();
    if context.locks.find(lock).is_some() {
        return pack(context.operate(lock, operation));
    }
    let is_granted = match operation {
        Operation::Lock(mode) => {
            lock.raw_lock(mode);
            true
        }
        Operation::TryLock(mode) => lock.raw_try_lock(mode),
        Operation::Unlock(mode) => {
            // SAFETY: the guard that is dropped holds it.
            unsafe { lock.raw_unlock(mode) };
            true
        }
        Operation::IsPoisoned => true,
    };
    pack(Answer {
        is_granted,
        is_poisoned: lock.has_poison(),
    })
}

unsafe extern "C" fn poison_inside(lock: *const Lock, value: bool) -> Returned {
    // SAFETY: `poison` passed a live lock.
    let lock = unsafe { &*lock };
    let context = current();
    let address = (&raw const lock.poisoned).expose_provenance();
    if !context.is_local(address) {
        context.store(address, 1);
    }
    lock.poisoned.store(value, Ordering::Relaxed);
    Returned::NOTHING
}

unsafe extern "C" fn poison_now(lock: *const Lock, value: bool) {
    // SAFETY: `poison` passed a live lock.
    unsafe { &*lock }.poisoned.store(value, Ordering::Relaxed);
}

fn pack(answer: Answer) -> u64 {
    u64::from(answer.is_granted) | u64::from(answer.is_poisoned) << 1
}

/// A lock of the handler in progress.
#[derive(Debug, Clone, Copy)]
struct Held {
    lock: *const Lock,
    mode: Mode,
    /// Whether this handler has taken it.
    is_taken: bool,
    /// Locks of guards from outside that the handler has dropped.
    adopted: u32,
    readers: u32,
    writers: u32,
}

impl Held {
    /// Whether another guard fits beside the living ones.
    const fn has_room(&self, mode: Mode) -> bool {
        match mode {
            Mode::Shared => self.writers == 0,
            Mode::Exclusive => self.writers == 0 && self.readers == 0,
        }
    }

    fn add_guard(&mut self, mode: Mode) {
        match mode {
            Mode::Shared => self.readers += 1,
            Mode::Exclusive => self.writers += 1,
        }
    }

    /// Takes a guard away, or the lock over from a guard that was made outside.
    fn drop_guard(&mut self, mode: Mode) {
        let guards = match mode {
            Mode::Shared => &mut self.readers,
            Mode::Exclusive => &mut self.writers,
        };
        match guards.checked_sub(1) {
            Some(rest) => *guards = rest,
            None => self.adopted += 1,
        }
    }

    const fn guards(&self) -> u32 {
        self.readers + self.writers
    }

    /// Leaves to the living guards what is theirs, and releases the rest.
    ///
    /// # Safety
    /// K1, and the entry is given up.
    unsafe fn settle(&self) {
        // SAFETY: K1.
        let lock = unsafe { &*self.lock };
        let mut owned = u32::from(self.is_taken) + self.adopted;
        let mut mode = self.mode;
        if owned > 0 && mode == Mode::Exclusive && self.readers > 0 {
            // SAFETY: it is held exclusively, by this handler.
            unsafe { lock.raw.downgrade() };
            mode = Mode::Shared;
        }
        while owned < self.guards() {
            // Of a lock that nobody else knows yet, or beside other readers.
            match mode {
                Mode::Shared => lock.raw.lock_shared_recursive(),
                Mode::Exclusive => lock.raw.lock_exclusive(),
            }
            owned += 1;
        }
        for _ in self.guards()..owned {
            // SAFETY: held in this mode, by no guard.
            unsafe { lock.raw_unlock(mode) };
        }
    }
}

/// The locks of the handler in progress.
#[derive(Debug)]
pub(crate) struct Locks {
    held: [Option<Held>; LOCKS_MAX],
    count: usize,
    /// Locks that the handler has begun anew for, to write from the start.
    written: [usize; LOCKS_MAX],
    written_count: usize,
    /// The run in progress was given up and is to begin anew.
    pub(crate) begins_anew: bool,
}

impl Locks {
    pub(crate) const fn new() -> Self {
        Self {
            held: [None; LOCKS_MAX],
            count: 0,
            written: [0; LOCKS_MAX],
            written_count: 0,
            begins_anew: false,
        }
    }

    fn find(&mut self, lock: &Lock) -> Option<&mut Held> {
        let mut held = self.held[..self.count].iter_mut().flatten();
        held.find(|held| ptr::eq(held.lock, lock))
    }

    /// Notes that a lock is to be taken for writing whatever it is asked for.
    fn write_from_the_start(&mut self, lock: &Lock) {
        if let Some(place) = self.written.get_mut(self.written_count) {
            *place = ptr::from_ref(lock).addr();
            self.written_count += 1;
        }
    }

    fn mode_for(&self, lock: &Lock, mode: Mode) -> Mode {
        let address = ptr::from_ref(lock).addr();
        if self.written[..self.written_count].contains(&address) {
            Mode::Exclusive
        } else {
            mode
        }
    }

    fn pop(&mut self) -> Option<Held> {
        self.count = self.count.checked_sub(1)?;
        self.held[self.count].take()
    }
}

/// Why a run cannot go on with the locks that it has.
#[derive(Debug, Clone, Copy)]
enum Obstacle {
    /// It wants to write where it has a shared lock.
    Upgrade,
    /// It waits in a circle.
    Circle,
}

impl Context {
    /// What the first run's request does.
    fn operate(&mut self, lock: &Lock, operation: Operation) -> Answer {
        let is_granted = match operation {
            Operation::Lock(mode) => {
                self.acquire(lock, mode);
                true
            }
            Operation::TryLock(mode) => self.try_acquire(lock, mode),
            Operation::Unlock(mode) => {
                self.drop_guard(lock, mode);
                true
            }
            Operation::IsPoisoned => true,
        };
        Answer {
            is_granted,
            is_poisoned: lock.has_poison(),
        }
    }

    fn acquire(&mut self, lock: &Lock, mode: Mode) {
        let Some(held) = self.locks.find(lock) else {
            let is_private = self.is_private(lock);
            let taken = self.locks.mode_for(lock, mode);
            if !is_private && !lock.raw_try_lock(taken) {
                self.wait_for(lock, taken);
            }
            return self.list(lock, taken, !is_private, mode);
        };
        if !held.has_room(mode) {
            self.refuse_second_guard();
        }
        if mode == Mode::Exclusive && held.mode == Mode::Shared {
            self.locks.write_from_the_start(lock);
            self.begin_anew(Obstacle::Upgrade);
        }
        held.add_guard(mode);
    }

    fn try_acquire(&mut self, lock: &Lock, mode: Mode) -> bool {
        let Some(held) = self.locks.find(lock) else {
            let is_private = self.is_private(lock);
            let is_granted = is_private || lock.raw_try_lock(mode);
            if is_granted {
                self.list(lock, mode, !is_private, mode);
            }
            return is_granted;
        };
        let is_granted =
            held.has_room(mode) && (mode == Mode::Shared || held.mode == Mode::Exclusive);
        if is_granted {
            held.add_guard(mode);
        }
        is_granted
    }

    fn drop_guard(&mut self, lock: &Lock, mode: Mode) {
        if self.locks.find(lock).is_none() {
            self.list_unguarded(lock, mode, false);
        }
        if let Some(held) = self.locks.find(lock) {
            held.drop_guard(mode);
            let is_spent = held.guards() == 0 && !held.is_taken && held.adopted == 0;
            if is_spent {
                self.forget(lock);
            }
        }
    }

    /// Whether nobody else can know the lock: it lies in a frame of the handler, or in a block that the
    /// handler has allocated. Such a lock may be gone, or another, before the commit.
    fn is_private(&self, lock: &Lock) -> bool {
        let address = ptr::from_ref(lock).addr();
        let mut blocks = self.fresh.blocks().iter();
        self.is_local(address) || blocks.any(|block| block.contains(address, 1))
    }

    fn list(&mut self, lock: &Lock, mode: Mode, is_taken: bool, guard: Mode) {
        self.list_unguarded(lock, mode, is_taken);
        if let Some(held) = self.locks.find(lock) {
            held.add_guard(guard);
        }
    }

    fn list_unguarded(&mut self, lock: &Lock, mode: Mode, is_taken: bool) {
        let index = self.locks.count;
        let Some(place) = self.locks.held.get_mut(index) else {
            refuse(format_args!(
                "handler `{}` holds more than {LOCKS_MAX} locks at a time: guard what it changes \
                 together with one lock",
                self.handler_name()
            ));
        };
        *place = Some(Held {
            lock,
            mode,
            is_taken,
            adopted: 0,
            readers: 0,
            writers: 0,
        });
        self.locks.count += 1;
        self.waiter.hold(index, ptr::from_ref(lock).addr());
    }

    /// Takes a lock out of the list that holds nothing.
    fn forget(&mut self, lock: &Lock) {
        let Some(last) = self.locks.pop() else {
            return;
        };
        let end = self.locks.count;
        if !ptr::eq(last.lock, lock) {
            let mut held = self.locks.held[..end].iter();
            let index = held.position(|held| held.is_some_and(|held| ptr::eq(held.lock, lock)));
            if let Some(index) = index {
                self.locks.held[index] = Some(last);
                self.waiter.hold(index, last.lock.addr());
            }
        }
        self.waiter.hold(end, 0);
    }

    /// Waits, and looks now and then whether that can ever end.
    fn wait_for(&mut self, lock: &Lock, mode: Mode) {
        let is_revocable = self.is_revocable();
        self.waiter.wait(ptr::from_ref(lock).addr(), is_revocable);
        let mut suspicion: Option<Circle<'_>> = None;
        let is_granted = loop {
            let is_granted = match mode {
                Mode::Shared => lock.raw.try_lock_shared_for(PATIENCE),
                Mode::Exclusive => lock.raw.try_lock_exclusive_for(PATIENCE),
            };
            if is_granted {
                break true;
            }
            self.waiter.refused();
            let Some(circle) = Circle::find(&self.waiter, &waiters) else {
                suspicion = None;
                continue;
            };
            match &suspicion {
                Some(earlier) if circle.is_confirmed_since(earlier) => {
                    if circle.gives_way(&self.waiter) {
                        break false;
                    }
                }
                Some(earlier) if circle.is_same(earlier) => {}
                _ => suspicion = Some(circle),
            }
        };
        self.waiter.go_on();
        if !is_granted {
            self.begin_anew(Obstacle::Circle);
        }
    }

    /// Gives up the run in progress, which will begin anew.
    fn begin_anew(&mut self, obstacle: Obstacle) -> ! {
        if in_effect() || !self.is_revocable() {
            self.refuse_obstacle(obstacle);
        }
        self.waiter.begin_anew();
        self.locks.begins_anew = true;
        // SAFETY: called on the private stack, on behalf of a handler that is running.
        unsafe { abandon_body(thread_words()) }
    }

    /// Whether nothing of what the first run has done so far is beyond undoing.
    fn is_revocable(&mut self) -> bool {
        self.events.end_recording();
        recovery::can_be_undone(&self.events).unwrap_or(false)
    }

    /// Starts a handler, which has no locks.
    pub(crate) fn begin_locks(&mut self) {
        self.locks.written_count = 0;
        self.waiter.start();
    }

    /// Releases what no guard holds: the handler is being committed.
    pub(crate) fn release_locks(&mut self) {
        let frames = own_words().deepest..own_words().entry;
        self.give_up_locks(|held| {
            // A guard in a frame that is gone was forgotten, and so is its lock.
            if !frames.contains(&held.lock.addr()) {
                // SAFETY: K1; the entry was taken out of the list.
                unsafe { held.settle() };
            }
        });
    }

    /// Releases what the handler has taken: its run was undone, and its guards with it.
    pub(crate) fn abandon_locks(&mut self) {
        self.give_up_locks(|held| {
            if held.is_taken {
                // SAFETY: K1.
                let lock = unsafe { &*held.lock };
                // SAFETY: taken in this mode by a run of which nothing is left.
                unsafe { lock.raw_unlock(held.mode) };
            }
        });
        self.locks.begins_anew = false;
    }

    fn give_up_locks(&mut self, release: impl Fn(&Held)) {
        while let Some(held) = self.locks.pop() {
            self.waiter.hold(self.locks.count, 0);
            release(&held);
        }
    }

    fn refuse_second_guard(&self) -> ! {
        refuse(format_args!(
            "handler `{}` locks what it has locked already, and would wait for itself: drop the \
             first guard before, or pass it on",
            self.handler_name()
        ));
    }

    fn refuse_obstacle(&self, obstacle: Obstacle) -> ! {
        let (what, way_out) = match obstacle {
            Obstacle::Upgrade => (
                "wants to write to a lock that it has read",
                "call `write` instead of `read` from the start",
            ),
            Obstacle::Circle => (
                "waits for a lock in a circle with other handlers",
                "take locks in the same order everywhere",
            ),
        };
        refuse(format_args!(
            "handler `{}` {what}, after it has done what cannot be undone (an `effect`, an atomic \
             operation on shared memory): do that after its last lock, or {way_out}",
            self.handler_name()
        ));
    }
}

/// Gives back what an abandoned first run has taken, which was undone.
pub(crate) fn begin_anew(context: &mut Context) -> Result<(), Fault> {
    Counters::add(&context.counters.begun_anew, 1);
    recovery::give_back_blocks(&context.events)?;
    context.outputs.abandon();
    context.abandon_locks();
    Ok(())
}
