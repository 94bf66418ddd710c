//! What concerns the whole process: registrations at the start, and forks.
//!
//! A fork copies the heap as it is at that moment, so the forking thread holds every lock across it:
//! no list is half changed in the child. Blocks in the caches of threads that the child does not have
//! stay unused there.

use super::region::RESERVING;
use super::{CLASSES_OF_DOMAIN, SPANS, thread_cache};
use crate::lines::Lines;
use crate::page;
use crate::stop::stop;
use crate::sys::{fork, thread_exit};

/// Once, after the region was reserved.
pub(super) fn prepare() {
    thread_exit::prepare(thread_cache::at_thread_end);
    if !fork::register(before_fork, after_fork_in_parent, after_fork_in_child) {
        stop(format_args!(
            "the system could not register the fork handlers: there is too little memory to start"
        ));
    }
}

unsafe extern "C" fn before_fork() {
    page::before_fork();
    for classes in &CLASSES_OF_DOMAIN {
        for class in classes {
            class.take_for_fork();
        }
    }
    for spans in &SPANS {
        spans.take_for_fork();
    }
    RESERVING.take_for_fork();
    thread_cache::take_for_fork();
}

unsafe extern "C" fn after_fork_in_parent() {
    release();
    page::after_fork();
}

unsafe extern "C" fn after_fork_in_child() {
    release();
    if let Some(lines) = Lines::get() {
        lines.end_changes_in_child();
    }
    page::renew_in_child();
    page::after_fork();
}

fn release() {
    thread_cache::release_after_fork();
    RESERVING.release_after_fork();
    for spans in SPANS.iter().rev() {
        spans.release_after_fork();
    }
    for classes in CLASSES_OF_DOMAIN.iter().rev() {
        for class in classes.iter().rev() {
            class.release_after_fork();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::time::Duration;

    use super::*;
    use crate::domain::Domain;
    use crate::heap::region::REGION;
    use crate::heap::{class, spans};
    use crate::size_class::SizeClass;

    /// Another thread holds a lock while this one forks: the child sees what it did with the lock as a
    /// whole, and can take it.
    #[test]
    fn a_fork_waits_for_every_lock() {
        assert!(REGION.prepare());
        let last = SizeClass::from_index(39).unwrap();
        let first = SizeClass::from_index(0).unwrap();
        is_whole_in_child(
            || class(Domain::Ordinary, first).take_for_fork(),
            || class(Domain::Ordinary, first).release_after_fork(),
        );
        is_whole_in_child(
            || class(Domain::Protected, last).take_for_fork(),
            || class(Domain::Protected, last).release_after_fork(),
        );
        is_whole_in_child(
            || spans(Domain::Protected).take_for_fork(),
            || spans(Domain::Protected).release_after_fork(),
        );
        is_whole_in_child(
            || RESERVING.take_for_fork(),
            || RESERVING.release_after_fork(),
        );
        is_whole_in_child(
            thread_cache::take_for_fork,
            thread_cache::release_after_fork,
        );
    }

    fn is_whole_in_child(take: impl Fn() + Sync, release: impl Fn() + Sync) {
        let (taken, done) = (Barrier::new(2), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                take();
                taken.wait();
                // Time for the fork to begin; with less the test only sees less.
                std::thread::sleep(Duration::from_millis(50));
                done.store(true, Relaxed);
                release();
            });
            taken.wait();
            // SAFETY: the child takes locks of this crate, which are prepared for forks, and ends.
            let process = unsafe { libc::fork() };
            if process == 0 {
                // SAFETY: ends a child that waits for a lock forever.
                unsafe { libc::alarm(20) };
                take();
                release();
                // SAFETY: ends the child.
                unsafe { libc::_exit(i32::from(!done.load(Relaxed))) };
            }
            let mut status = 0;
            // SAFETY: the child is this process's own.
            let waited = unsafe { libc::waitpid(process, &raw mut status, 0) };
            assert_eq!(waited, process);
            assert_eq!(status, 0, "the child was forked in the midst of a change");
        });
    }
}
