//! Each thread's stock of small blocks: a stack of offsets per arena and size class.
//!
//! 1. The first allocation of a thread gives it a cache: an unused one, or a new mapping.
//! 2. Allocating pops from a stack and freeing pushes; neither takes a lock or touches the block.
//! 3. An empty stack is half filled from its class, a full one gives its older half back.
//! 4. When the thread ends, after all of its destructors, the cache gives everything back and waits
//!    for another thread. What the thread frees after that goes to the classes directly.
//!
//! A signal handler must not allocate, as with every allocator that is not built for it.

use core::cell::Cell;
use core::ffi::c_void;
use core::ptr::NonNull;

use super::region::REGION;
use super::{Slot, class};
use crate::domain::Domain;
use crate::size_class::{CLASSES, SizeClass};
use crate::sys::lock::Locked;
use crate::sys::{memory, signal, thread_exit};

/// A stack's bytes of blocks, and its blocks, at most and at least.
const STACK_BYTES_MAX: usize = 32 * 1024;
const STACK_SLOTS_MAX: usize = 128;
const STACK_SLOTS_MIN: usize = 4;

/// Where each class's stack begins among the slots, and where the last one ends.
const STARTS: [u32; CLASSES + 1] = starts();
const SLOTS: usize = STARTS[CLASSES] as usize;

/// The stacks of one arena.
///
/// `tops[class]` lies from `STARTS[class]`, where the stack is empty, to `STARTS[class + 1]`, where
/// it is full.
struct Stacks {
    tops: [Cell<u32>; CLASSES],
    slots: [Cell<Slot>; SLOTS],
}

/// A thread's cache. It lives in a mapping of its own, outside of the arenas.
///
/// One thread at a time has it: the one whose [`CACHE`] names it, or whoever took it from
/// [`UNUSED`].
pub(crate) struct ThreadCache {
    next_unused: Cell<Option<NonNull<ThreadCache>>>,
    stacks: [Stacks; 2],
}

thread_local! {
    // Constants without destructors: plain words of the thread, valid to its very end and in
    // whatever runs inside the allocator.
    static CACHE: Cell<Option<NonNull<ThreadCache>>> = const { Cell::new(None) };
    static ENDED: Cell<bool> = const { Cell::new(false) };
}

/// The first of the caches that no thread has.
struct Unused(Option<NonNull<ThreadCache>>);

// SAFETY: a cache that no thread has may be taken by any.
unsafe impl Send for Unused {}

static UNUSED: Locked<Unused> = Locked::new(Unused(None));

/// Takes a block of a class; `None` without memory.
#[inline(always)]
pub(crate) fn take(domain: Domain, class: SizeClass) -> Option<Slot> {
    if let Some(cache) = CACHE.get() {
        // SAFETY: this thread's own cache (see the type), which is never unmapped.
        let cache = unsafe { cache.as_ref() };
        if let Some(slot) = cache.stacks[domain.index()].pop(class) {
            return Some(slot);
        }
    }
    take_slowly(domain, class)
}

/// Takes a block back.
#[inline(always)]
pub(crate) fn give(domain: Domain, class: SizeClass, offset: usize) {
    let slot = Slot::new(offset, false);
    if let Some(cache) = CACHE.get() {
        // SAFETY: this thread's own cache (see the type), which is never unmapped.
        let cache = unsafe { cache.as_ref() };
        if cache.stacks[domain.index()].push(class, slot) {
            return;
        }
    }
    give_slowly(domain, class, slot);
}

/// Gives everything in this thread's cache back to the classes.
pub(crate) fn flush() {
    if let Some(cache) = CACHE.get() {
        // SAFETY: this thread's own cache (see the type), which is never unmapped.
        unsafe { cache.as_ref() }.flush();
    }
}

pub(crate) fn take_for_fork() {
    UNUSED.take_for_fork();
}

pub(crate) fn release_after_fork() {
    UNUSED.release_after_fork();
}

/// What a marked thread calls when it ends.
pub(crate) unsafe extern "C" fn at_thread_end(_mark: *mut c_void) {
    signal::release_thread();
    ENDED.set(true);
    let Some(cache) = CACHE.take() else {
        return;
    };
    // SAFETY: this thread had it and nobody else has it yet.
    let record = unsafe { cache.as_ref() };
    record.flush();
    let mut unused = UNUSED.lock();
    record.next_unused.set(unused.0);
    unused.0 = Some(cache);
}

#[cold]
#[inline(never)]
fn take_slowly(domain: Domain, class: SizeClass) -> Option<Slot> {
    if let Some(cache) = own_cache() {
        return cache.stacks[domain.index()].fill_and_pop(domain, class);
    }
    let slot = [const { Cell::new(Slot::new(0, false)) }];
    let taken = super::class(domain, class)
        .lock()
        .take(domain, class, &slot);
    (taken == 1).then(|| slot[0].get())
}

#[cold]
#[inline(never)]
fn give_slowly(domain: Domain, class: SizeClass, slot: Slot) {
    if let Some(cache) = own_cache() {
        let stacks = &cache.stacks[domain.index()];
        stacks.give_older_half(domain, class);
        stacks.push(class, slot);
    } else {
        let slots = [Cell::new(slot)];
        super::class(domain, class)
            .lock()
            .give(domain, class, &slots);
    }
}

/// This thread's cache, made if it has none yet; `None` when it ends or there is no memory.
fn own_cache() -> Option<&'static ThreadCache> {
    if let Some(cache) = CACHE.get() {
        // SAFETY: this thread's own cache (see the type), which is never unmapped.
        return Some(unsafe { cache.as_ref() });
    }
    if ENDED.get() || !REGION.prepare() {
        return None;
    }
    let cache = unused_cache().or_else(new_cache)?;
    CACHE.set(Some(cache));
    thread_exit::mark();
    // SAFETY: taken for this thread alone, never unmapped.
    Some(unsafe { cache.as_ref() })
}

fn unused_cache() -> Option<NonNull<ThreadCache>> {
    let mut unused = UNUSED.lock();
    let cache = unused.0?;
    // SAFETY: caches are never unmapped, and this one is nobody's.
    unused.0 = unsafe { cache.as_ref() }.next_unused.take();
    Some(cache)
}

fn new_cache() -> Option<NonNull<ThreadCache>> {
    let cache = memory::map_records(size_of::<ThreadCache>())?.cast::<ThreadCache>();
    // SAFETY: the mapping is zeroed, aligned to a page and that long; zero is a valid value of
    // every field (`Option<NonNull>`, counts and slots).
    let record = unsafe { cache.as_ref() };
    for stacks in &record.stacks {
        for (top, start) in stacks.tops.iter().zip(STARTS) {
            top.set(start);
        }
    }
    Some(cache)
}

impl ThreadCache {
    fn flush(&self) {
        for domain in Domain::ALL {
            for class in (0..CLASSES).filter_map(SizeClass::from_index) {
                self.stacks[domain.index()].empty(domain, class);
            }
        }
    }
}

impl Stacks {
    #[inline(always)]
    fn pop(&self, class: SizeClass) -> Option<Slot> {
        let top = self.tops[class.index()].get();
        if top == STARTS[class.index()] {
            return None;
        }
        let top = top - 1;
        // A count that was corrupted finds no slot, and the slow path stops over it.
        let slot = self.slots.get(top as usize)?.get();
        self.tops[class.index()].set(top);
        Some(slot)
    }

    /// False when the stack is full.
    #[inline(always)]
    fn push(&self, class: SizeClass, slot: Slot) -> bool {
        let top = self.tops[class.index()].get();
        if top == STARTS[class.index() + 1] {
            return false;
        }
        let Some(place) = self.slots.get(top as usize) else {
            return false;
        };
        place.set(slot);
        self.tops[class.index()].set(top + 1);
        true
    }

    /// Fills half of an empty stack, lowest address on top, and takes that.
    fn fill_and_pop(&self, domain: Domain, size_class: SizeClass) -> Option<Slot> {
        let stack = self.stack(size_class);
        let batch = &stack[..stack.len() / 2];
        let taken = class(domain, size_class)
            .lock()
            .take(domain, size_class, batch);
        let taken = &batch[..taken];
        for index in 0..taken.len() / 2 {
            taken[index].swap(&taken[taken.len() - 1 - index]);
        }
        let start = STARTS[size_class.index()];
        self.tops[size_class.index()].set(start + taken.len() as u32);
        self.pop(size_class)
    }

    /// Gives back what has lain longest in a full stack.
    fn give_older_half(&self, domain: Domain, size_class: SizeClass) {
        let stack = self.stack(size_class);
        let (older, newer) = stack.split_at(stack.len() / 2);
        if self.tops[size_class.index()].get() != STARTS[size_class.index() + 1] {
            return;
        }
        class(domain, size_class)
            .lock()
            .give(domain, size_class, older);
        for (place, slot) in stack.iter().zip(newer) {
            place.set(slot.get());
        }
        let start = STARTS[size_class.index()];
        self.tops[size_class.index()].set(start + newer.len() as u32);
    }

    /// Gives all of a stack back.
    fn empty(&self, domain: Domain, size_class: SizeClass) {
        let start = STARTS[size_class.index()];
        let count = self.tops[size_class.index()].get() - start;
        if count > 0 {
            let slots = &self.stack(size_class)[..count as usize];
            class(domain, size_class)
                .lock()
                .give(domain, size_class, slots);
            self.tops[size_class.index()].set(start);
        }
    }

    fn stack(&self, class: SizeClass) -> &[Cell<Slot>] {
        let end = STARTS[class.index() + 1] as usize;
        &self.slots[STARTS[class.index()] as usize..end]
    }
}

const fn starts() -> [u32; CLASSES + 1] {
    let mut starts = [0; CLASSES + 1];
    let mut index = 0;
    while index < CLASSES {
        let bytes = match SizeClass::from_index(index) {
            Some(class) => class.bytes(),
            None => panic!("every index below `CLASSES` is a class"),
        };
        let slots = STACK_BYTES_MAX / bytes;
        let slots = if slots > STACK_SLOTS_MAX {
            STACK_SLOTS_MAX
        } else if slots < STACK_SLOTS_MIN {
            STACK_SLOTS_MIN
        } else {
            slots
        };
        starts[index + 1] = starts[index] + slots as u32;
        index += 1;
    }
    starts
}
