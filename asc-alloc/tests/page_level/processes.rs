//! Signals, forks and threads.

use std::hint::black_box;

use asc_alloc::page::EXIT_STRAY_WRITE;

use crate::children::{dies, in_child, passes};
use crate::{ALLOC, PAGE_WORDS, begin, start};

#[test]
fn a_fault_that_is_not_ours_does_what_it_did() {
    dies("processes::case_foreign_default", libc::SIGSEGV);
    dies("processes::case_sent_signal_default", libc::SIGBUS);
    passes("processes::case_foreign_handler");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_foreign_default() {
    start();
    let nowhere = std::ptr::without_provenance_mut::<u8>(64);
    // SAFETY: none: that is the case.
    unsafe { nowhere.write_volatile(1) };
}

#[test]
#[ignore = "run as a child per backend"]
fn case_sent_signal_default() {
    // SAFETY: the default action, in place of std's handler, which would leave it at a return.
    unsafe { libc::signal(libc::SIGBUS, libc::SIG_DFL) };
    start();
    // SAFETY: sends a signal to this thread.
    unsafe { libc::raise(libc::SIGBUS) };
}

/// A program's own handler sees its fault with the address and mends it.
#[test]
#[ignore = "run as a child per backend"]
fn case_foreign_handler() {
    use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Relaxed};
    static PAGE: AtomicPtr<libc::c_void> = AtomicPtr::new(std::ptr::null_mut());
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn mend(_: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: the kernel's structure.
        let info = unsafe { &*info };
        // SAFETY: a fault of the processor has an address.
        SEEN.store(unsafe { info.si_addr() }.addr(), Relaxed);
        let both = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the case's own page.
        unsafe { libc::mprotect(PAGE.load(Relaxed), 4096, both) };
    }
    // SAFETY: zero is a valid `sigaction`.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = mend as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO;
    // SAFETY: the handler lives as long as the program.
    unsafe { libc::sigaction(libc::SIGSEGV, &raw const action, std::ptr::null_mut()) };
    start();
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping.
    let page = unsafe { libc::mmap(std::ptr::null_mut(), 4096, libc::PROT_READ, flags, -1, 0) };
    PAGE.store(page, Relaxed);
    let word = page.cast::<u64>().wrapping_add(5);
    // SAFETY: faults, and the handler makes the page writable.
    unsafe { word.write_volatile(9) };
    // SAFETY: written above.
    assert_eq!(unsafe { word.read_volatile() }, 9);
    assert_eq!(SEEN.load(Relaxed), word.addr());
}

#[test]
fn a_child_process_guards_its_own_memory() {
    passes("processes::case_fork");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_fork() {
    start();
    let mut state = black_box(ALLOC.protected(|| vec![1u64; 1000]));
    for round in 0..5 {
        let session = begin();
        state[1] = round;
        session.commit();
    }
    let works = in_child(|| {
        let mut session = begin();
        state[1] = 77;
        session.capture();
        session.restore().expect("restored");
        assert_eq!(state[1], 4);
        state[1] = 77;
        session.compare().expect("equal");
        session.commit();
    });
    assert_eq!(works, 0);
    let strays = in_child(|| state[999] = 3);
    assert_eq!(strays, EXIT_STRAY_WRITE);
    assert_eq!((state[1], state[999]), (4, 1));
}

#[test]
fn a_thread_older_than_the_start_can_read_and_have_sessions() {
    passes("processes::case_older_thread");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_older_thread() {
    let (give, take) = std::sync::mpsc::channel::<Vec<u64>>();
    let older = std::thread::spawn(move || {
        let mut state = take.recv().expect("given");
        assert_eq!(state.iter().sum::<u64>(), 3000);
        let mut session = begin();
        state[0] = 0;
        session.capture();
        session.restore().expect("restored");
        assert_eq!(state[0], 3);
        drop(session);
    });
    start();
    give.send(ALLOC.protected(|| vec![3u64; 1000]))
        .expect("the thread waits");
    older.join().expect("reads");
}

#[test]
fn sessions_of_many_threads_follow_each_other() {
    passes("processes::case_many_threads");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_many_threads() {
    start();
    const THREADS: u64 = 4;
    const ROUNDS: u64 = 300;
    let state = std::sync::Mutex::new(ALLOC.protected(|| vec![0u64; 20 * PAGE_WORDS]));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let state = &state;
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let mut state = state.lock().expect("no thread panics");
                    let mut session = begin();
                    let place = ((thread + round) % 20) as usize * PAGE_WORDS;
                    state[place] += 1;
                    session.capture();
                    session.restore().expect("restored");
                    state[place] += 1;
                    session.compare().expect("equal");
                    session.commit();
                }
            });
        }
    });
    let state = state.into_inner().expect("no thread panics");
    assert_eq!(state.iter().sum::<u64>(), THREADS * ROUNDS);
}
