//! The list of all contexts: which exist, and which a thread is using.
//!
//! Elements are added and never taken out, so walking needs no lock and an element stays valid for
//! ever. An element goes from thread to thread by a flag.
//!
//! 1. A thread that starts claims a free element ([`List::claim`]), or adds one of its own
//!    ([`List::add`]), which is then in use.
//! 2. It alone changes the element, while others read the element's atomic parts ([`List::all`]).
//! 3. When it ends it gives the element back ([`Links::release`]); all that it wrote there happens
//!    before what the next owner does.
//!
//! The atomics are those of `list_atomics`: in `tests/context_list.rs` a model checker's, which tries
//! every order of the threads' steps with this same code.

use core::cell::Cell;
use core::ptr;

use super::list_atomics::{AtomicBool, AtomicPtr, Ordering};

/// What an element keeps for its list.
#[derive(Debug)]
pub(crate) struct Links<T> {
    in_use: AtomicBool,
    /// Set before the element is published, and never again.
    next: Cell<*mut T>,
}

/// A type whose values can be elements.
///
/// # Safety
/// `links` returns a part of the element that it is given.
pub(crate) unsafe trait Linked: Sized {
    /// The links inside `element`, which need not be unshared.
    fn links(element: *const Self) -> *const Links<Self>;
}

/// Elements, the latest first.
#[derive(Debug)]
pub(crate) struct List<T> {
    head: AtomicPtr<T>,
}

impl<T> Links<T> {
    /// The links of a new element, which its maker is using.
    pub(crate) fn in_use() -> Self {
        Self {
            in_use: AtomicBool::new(true),
            next: Cell::new(ptr::null_mut()),
        }
    }

    /// Gives the element back, by the thread that uses it.
    pub(crate) fn release(&self) {
        self.in_use.store(false, Ordering::Release);
    }

    fn claim(&self) -> bool {
        self.in_use
            .compare_exchange(false, true, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }
}

impl<T: Linked> List<T> {
    /// An empty list around a null pointer.
    pub(crate) const fn new(head: AtomicPtr<T>) -> Self {
        Self { head }
    }

    /// Publishes an element.
    ///
    /// # Safety
    /// `element` is whole, is valid for ever, and is in no list yet.
    pub(crate) unsafe fn add(&self, element: *mut T) {
        // SAFETY: by contract.
        let links = unsafe { &*T::links(element) };
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            links.next.set(head);
            let published =
                self.head
                    .compare_exchange(head, element, Ordering::Release, Ordering::Relaxed);
            match published {
                Ok(_) => return,
                Err(found) => head = found,
            }
        }
    }

    /// An element that no thread uses; the caller does from now on.
    pub(crate) fn claim(&self) -> Option<*mut T> {
        // SAFETY: elements are valid for ever.
        self.all()
            .find(|&element| unsafe { &*T::links(element) }.claim())
    }

    /// Every element.
    pub(crate) fn all(&self) -> impl Iterator<Item = *mut T> {
        let mut next = self.head.load(Ordering::Acquire);
        core::iter::from_fn(move || {
            let element = next;
            if element.is_null() {
                return None;
            }
            // SAFETY: elements were published whole and are valid for ever.
            next = unsafe { &*T::links(element) }.next.get();
            Some(element)
        })
    }
}
