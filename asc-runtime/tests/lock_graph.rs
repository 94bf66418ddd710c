//! The graph of waiting handlers under a model checker: every order of the threads' steps, and
//! everything that the memory model lets a thread see.
//!
//! The file under test is the engine's own. A circle that is not one would undo a healthy handler; two
//! members that both give way, or none, would help nobody.
#![cfg(not(asc))]

use std::sync::Arc;

use loom::sync::atomic::AtomicUsize;
use loom::thread;

/// What the file under test uses in place of `core`'s atomics.
mod graph_atomics {
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

    /// As many as the models need: each is one more step to order.
    pub(crate) const LOCKS_MAX: usize = 1;
}

#[path = "../src/hardened/lock_graph.rs"]
#[expect(dead_code, reason = "a handler's start is no part of the models")]
mod lock_graph;

use graph_atomics::Ordering;
use lock_graph::{Circle, Waiter};

const FIRST: usize = 0x10;
const SECOND: usize = 0x20;

type Waiters = Arc<[Waiter; 2]>;

fn waiters() -> Waiters {
    Arc::new([Waiter::new(), Waiter::new()])
}

/// Waits like a handler that is refused three times; says whether it gives way.
fn wait_in_vain(waiters: &Waiters, own: usize, lock: usize) -> bool {
    waiters[own].wait(lock, true);
    is_refused(waiters, own, 3)
}

fn is_refused(waiters: &Waiters, own: usize, times: usize) -> bool {
    let waiter = &waiters[own];
    let mut suspicion: Option<Circle<'_>> = None;
    for _ in 0..times {
        waiter.refused();
        let Some(circle) = Circle::find(waiter, &|| waiters.iter()) else {
            continue;
        };
        match &suspicion {
            Some(earlier) if circle.is_confirmed_since(earlier) => {
                return circle.gives_way(waiter);
            }
            Some(earlier) if circle.is_same(earlier) => {}
            _ => suspicion = Some(circle),
        }
    }
    false
}

fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(check);
}

/// Both hold what the other wants: never do both give way.
#[test]
fn one_at_most_gives_way() {
    model(|| {
        let waiters = waiters();
        waiters[0].hold(0, FIRST);
        waiters[1].hold(0, SECOND);
        waiters[0].wait(SECOND, true);
        waiters[1].wait(FIRST, true);
        let other = Arc::clone(&waiters);
        let thread = thread::spawn(move || is_refused(&other, 1, 2));
        let own = is_refused(&waiters, 0, 2);
        let both = thread.join().expect("it ends") && own;
        assert!(!both);
    });
}

/// Once both have been seen waiting, one of them does.
#[test]
fn a_standing_circle_is_found() {
    model(|| {
        let waiters = waiters();
        waiters[1].hold(0, SECOND);
        waiters[1].wait(FIRST, true);
        waiters[1].refused();
        waiters[0].hold(0, FIRST);
        waiters[0].wait(SECOND, true);
        let find = |own: usize| Circle::find(&waiters[own], &|| waiters.iter());
        let earlier = find(0).expect("each waits for the other");
        assert!(!find(0).is_some_and(|circle| circle.is_confirmed_since(&earlier)));
        waiters[0].refused();
        assert!(!find(0).is_some_and(|circle| circle.is_confirmed_since(&earlier)));
        waiters[1].refused();
        let later = find(0).expect("nothing has changed");
        assert!(later.is_confirmed_since(&earlier));
        assert_ne!(later.gives_way(&waiters[0]), later.gives_way(&waiters[1]));
    });
}

/// A thread that lets go of its lock before it waits is in no circle, however it is looked at.
#[test]
fn who_waits_with_empty_hands_is_in_no_circle() {
    model(|| {
        let waiters = waiters();
        let other = Arc::clone(&waiters);
        let thread = thread::spawn(move || {
            other[1].hold(0, SECOND);
            other[1].hold(0, 0);
            other[1].wait(FIRST, true);
            other[1].refused();
            other[1].refused();
        });
        waiters[0].hold(0, FIRST);
        assert!(!wait_in_vain(&waiters, 0, SECOND));
        thread.join().expect("it ends");
    });
}

/// A thread that was granted its lock, and holds and waits for others from then on, was never stuck.
#[test]
fn who_goes_on_is_in_no_circle() {
    model(|| {
        let waiters = waiters();
        let granted = Arc::new(AtomicUsize::new(0));
        let (other, of_other) = (Arc::clone(&waiters), Arc::clone(&granted));
        let thread = thread::spawn(move || {
            other[1].hold(0, SECOND);
            other[1].wait(FIRST, true);
            other[1].refused();
            of_other.store(1, Ordering::Release);
            other[1].go_on();
            other[1].hold(0, 0);
        });
        waiters[0].hold(0, FIRST);
        assert!(!wait_in_vain(&waiters, 0, SECOND));
        thread.join().expect("it ends");
        assert_eq!(granted.load(Ordering::Acquire), 1);
    });
}
