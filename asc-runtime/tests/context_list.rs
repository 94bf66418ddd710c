//! The list of contexts under a model checker: every order of the threads' steps, and everything that
//! the memory model lets a thread see.
//!
//! The file under test is the engine's own. An element here has a part that only its owner may touch;
//! the checker fails when two threads do so without one happening before the other.
#![cfg(not(asc))]

use std::ptr;
use std::sync::Arc;

use loom::cell::UnsafeCell;
use loom::thread;

/// What the file under test uses in place of `core`'s atomics.
mod list_atomics {
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
}

#[path = "../src/hardened/context_list.rs"]
mod context_list;

use context_list::{Linked, Links, List};
use list_atomics::{AtomicPtr, AtomicU64, Ordering};

/// What a context is to the list.
struct Element {
    /// Written before the element is published, read by anyone.
    maker: UnsafeCell<u64>,
    /// For the owner alone.
    owned: UnsafeCell<u64>,
    /// Written by the owner, read by anyone.
    counter: AtomicU64,
    links: Links<Element>,
}

// SAFETY: the links are a field.
unsafe impl Linked for Element {
    fn links(element: *const Self) -> *const Links<Self> {
        // SAFETY: only the address of the field is computed.
        unsafe { &raw const (*element).links }
    }
}

/// A list whose elements go away with it.
struct Contexts(List<Element>);

// SAFETY: what the threads may do with the elements is what is being tested.
unsafe impl Send for Contexts {}
// SAFETY: as above.
unsafe impl Sync for Contexts {}

impl Contexts {
    fn new() -> Arc<Self> {
        Arc::new(Self(List::new(AtomicPtr::new(ptr::null_mut()))))
    }

    /// A thread's start, as `context::attach` does it.
    fn attach(&self) -> &Element {
        let element = self.0.claim().unwrap_or_else(|| self.create());
        // SAFETY: elements live as long as the list.
        unsafe { &*element }
    }

    fn create(&self) -> *mut Element {
        let element = Box::into_raw(Box::new(Element {
            maker: UnsafeCell::new(0),
            owned: UnsafeCell::new(0),
            counter: AtomicU64::new(0),
            links: Links::in_use(),
        }));
        // SAFETY: not published yet.
        unsafe { &*element }
            .maker
            .with_mut(|maker| unsafe { *maker = 7 });
        // SAFETY: whole, and freed after all threads have ended.
        unsafe { self.0.add(element) };
        element
    }

    /// One thread's life: attach, handlers, exit.
    fn live(&self) {
        let element = self.attach();
        // SAFETY: the checker fails if another thread is here too.
        element.owned.with_mut(|owned| unsafe { *owned += 1 });
        let count = element.counter.load(Ordering::Relaxed);
        element.counter.store(count + 1, Ordering::Relaxed);
        element.links.release();
    }

    /// The statistics, as `context::counters` gives them.
    fn sum(&self) -> u64 {
        let counter = |element: *mut Element| {
            // SAFETY: elements live as long as the list.
            let element = unsafe { &*element };
            // SAFETY: the checker fails unless the maker's write happened before.
            assert_eq!(element.maker.with(|maker| unsafe { *maker }), 7);
            element.counter.load(Ordering::Relaxed)
        };
        self.0.all().map(counter).sum()
    }

    fn elements(&self) -> usize {
        self.0.all().count()
    }
}

impl Drop for Contexts {
    fn drop(&mut self) {
        for element in self.0.all().collect::<Vec<_>>() {
            // SAFETY: made by `create`; all threads have ended.
            drop(unsafe { Box::from_raw(element) });
        }
    }
}

/// How often the checker takes the processor from a thread that could go on, where there are too many
/// orders to try them all. Two and three times find what is known to go wrong in such algorithms.
const PREEMPTIONS_MAX: usize = 3;

/// Lets `threads` threads live at once, and `meanwhile` happen beside them.
fn together(threads: usize, meanwhile: impl Fn(&Contexts) + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = (threads > 2).then_some(PREEMPTIONS_MAX);
    model.check(move || {
        let contexts = Contexts::new();
        let lives: Vec<_> = (0..threads)
            .map(|_| {
                let contexts = Arc::clone(&contexts);
                thread::spawn(move || contexts.live())
            })
            .collect();
        meanwhile(&contexts);
        for life in lives {
            life.join().expect("a thread lives");
        }
        // Nothing that was counted is lost, however the elements went from thread to thread.
        assert_eq!(contexts.sum(), threads as u64);
        assert!((1..=threads).contains(&contexts.elements()));
    });
}

#[test]
fn threads_at_once_never_share_a_context() {
    together(2, |_| {});
}

#[test]
fn three_threads_lose_no_context() {
    together(3, |_| {});
}

#[test]
fn statistics_read_meanwhile_see_whole_contexts_and_never_go_back() {
    together(2, |contexts| {
        let earlier = contexts.sum();
        let later = contexts.sum();
        assert!(earlier <= later && later <= 2);
    });
}

#[test]
fn a_thread_takes_over_what_an_ended_one_has_left() {
    loom::model(|| {
        let contexts = Contexts::new();
        for _ in 0..2 {
            let of_thread = Arc::clone(&contexts);
            thread::spawn(move || of_thread.live())
                .join()
                .expect("a thread lives");
        }
        assert_eq!((contexts.sum(), contexts.elements()), (2, 1));
    });
}

/// The next owner sees all that the last one wrote, without anyone waiting for its end.
#[test]
fn a_context_is_handed_over_whole() {
    loom::model(|| {
        let contexts = Contexts::new();
        let of_thread = Arc::clone(&contexts);
        let other = thread::spawn(move || of_thread.live());
        let element = contexts.attach();
        // SAFETY: ours; the checker fails if not.
        let (owned, counted) = (
            element.owned.with(|owned| unsafe { *owned }),
            element.counter.load(Ordering::Relaxed),
        );
        assert_eq!(owned, counted);
        other.join().expect("a thread lives");
    });
}
