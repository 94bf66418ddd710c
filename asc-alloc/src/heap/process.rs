//! What concerns the whole process: registrations at the start, and forks.
//!
//! A fork copies the heap as it is at that moment, so the forking thread holds every lock across it:
//! no list is half changed in the child. Blocks in the caches of threads that the child does not have
//! stay unused there.

use super::region::RESERVING;
use super::{CLASSES_OF_DOMAIN, SPANS, thread_cache};
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
