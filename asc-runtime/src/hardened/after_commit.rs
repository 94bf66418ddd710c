//! Closures that run when a handler has been committed: [`crate::after_commit`].
//!
//! 1. Each run puts the closure into a block of its own, which is compared like any other, and
//!    announces it: event `AfterCommit [data, function, 0, 0] -> [0, 0]`.
//! 2. The commit collects them, verified.
//! 3. When the handler has passed every gate and its receipt was demanded, they are called, once, in
//!    order, as ordinary code of the application.

use core::any::Any;
use core::ptr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::fault::{Fault, Stage};

use super::Returned;
use super::context::{attach, current};
use super::event_log::{Event, Kind};
use super::integrity::heap;
use super::mapping::Mapping;
use super::memory::sum_of;
use super::sys::private_entry;

const CLOSURES_MIN: usize = 64;

/// Takes a closure out of its block and calls it.
pub(crate) type Function = unsafe extern "C-unwind" fn(*mut ());

/// A panic on its way.
pub(crate) type Payload = Box<dyn Any + Send>;

private_entry! {
    /// Announces a closure. Only inside a handler.
    pub(crate) fn asc_after_commit(data: *mut (), function: Function);
    outside = announce; inside = announce;
}

extern "C" fn announce(data: *mut (), function: Function) -> Returned {
    let context = current();
    let operands = [
        data.expose_provenance() as u64,
        function as usize as u64,
        0,
        0,
    ];
    let outcome = context.events.step(Kind::AfterCommit, operands, |_| [0, 0]);
    context.demand(outcome);
    Returned::NOTHING
}

/// One closure that is to be called.
#[derive(Debug, Clone, Copy)]
struct Collected {
    data: u64,
    function: u64,
    sum: u64,
}

/// The closures of a handler that is being committed.
#[derive(Debug)]
pub(crate) struct Deferred {
    closures: Mapping,
    count: usize,
}

impl Deferred {
    pub(crate) fn new() -> Self {
        Self {
            closures: Mapping::new(CLOSURES_MIN * size_of::<Collected>()),
            count: 0,
        }
    }

    pub(crate) const fn clear(&mut self) {
        self.count = 0;
    }

    /// Collects the closure of a verified event.
    pub(crate) fn add(&mut self, event: &Event) {
        let bytes = (self.count + 1) * size_of::<Collected>();
        if bytes > self.closures.len() {
            self.closures.grow(bytes);
        }
        let [data, function, ..] = event.operands;
        let sum = sum_of([data, function]);
        let target = self.pointer(self.count);
        // SAFETY: the mapping was grown to hold this index.
        unsafe {
            target.write(Collected {
                data,
                function,
                sum,
            })
        };
        self.count += 1;
    }

    /// Where the list lies.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (usize, usize)> {
        core::iter::once(self.closures.range())
    }

    fn take(&mut self) -> Vec<Collected> {
        let _ordinary = heap::ordinary();
        let count = core::mem::take(&mut self.count);
        // SAFETY: everything below the count is initialised.
        let closures = |index| unsafe { self.pointer(index).read() };
        (0..count).map(closures).collect()
    }

    fn pointer(&self, index: usize) -> *mut Collected {
        self.closures.base().cast::<Collected>().wrapping_add(index)
    }
}

/// Calls what the handler that this thread has just committed deferred; returns the first panic.
#[inline]
pub(crate) fn call_deferred() -> Option<Payload> {
    let deferred = &mut attach().deferred;
    if deferred.count == 0 {
        return None;
    }
    call_all(&deferred.take())
}

/// The closures may themselves call handlers, so they are called from a list of their own.
#[cold]
fn call_all(closures: &[Collected]) -> Option<Payload> {
    let mut first = None;
    for &Collected {
        data,
        function,
        sum,
    } in closures
    {
        let found = sum_of([data, function]);
        if found != sum {
            let fault = Fault::new(Stage::Commit, "a deferred closure is damaged");
            crate::incident::stop("", 0, &fault.values(sum, found));
        }
        // SAFETY: `announce` got a function of this type; the event was verified.
        let function: Function = unsafe { core::mem::transmute(function as usize) };
        let data = ptr::with_exposed_provenance_mut(data as usize);
        // SAFETY: announced with this data, by a handler that was committed, and called once.
        let outcome = catch_unwind(AssertUnwindSafe(|| unsafe { function(data) }));
        first = first.or(outcome.err());
    }
    first
}
