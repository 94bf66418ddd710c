//! Write sessions on every backend that the kernel offers.
//!
//! The page level is one per process, so each case is an ignored test of this program, run as a child
//! per backend with the backend named in the environment.

use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

use asc_alloc::page::{
    BACKEND_VARIABLE, Backend, BeginError, Builder, EXIT_REFUSED, EXIT_STRAY_WRITE, Session,
    StartError,
};
use asc_alloc::{AscAlloc, ProtectedScope};

#[global_allocator]
static ALLOC: AscAlloc = AscAlloc::new();

const PAGE_WORDS: usize = 4096 / 8;

/// The backends that work here. `mprotect` does everywhere; which others do is printed.
fn offered() -> Vec<Backend> {
    let offered: Vec<Backend> = Backend::ALL
        .into_iter()
        .filter(|backend| child(*backend, "case_starts").status.success())
        .collect();
    println!("offered here: {offered:?}");
    assert!(offered.contains(&Backend::Mprotect));
    offered
}

fn child(backend: Backend, case: &str) -> Output {
    let program = std::env::current_exe().expect("this program has a path");
    Command::new(program)
        .args([
            "--exact",
            case,
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(BACKEND_VARIABLE, backend.name())
        .output()
        .expect("the child starts")
}

fn text(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    format!("{errors}{}", String::from_utf8_lossy(&output.stdout))
}

/// Every backend must pass the case.
fn passes(case: &str) {
    for backend in offered() {
        let output = child(backend, case);
        assert!(output.status.success(), "{backend}: {}", text(&output));
        assert!(
            text(&output).contains("1 passed"),
            "{backend}: {}",
            text(&output)
        );
    }
}

/// Every backend must end the case with that status, and say so.
fn ends(case: &str, status: i32, saying: &str) {
    for backend in offered() {
        let output = child(backend, case);
        assert_eq!(
            output.status.code(),
            Some(status),
            "{backend}: {}",
            text(&output)
        );
        assert!(
            text(&output).contains(saying),
            "{backend}: {}",
            text(&output)
        );
    }
}

/// Every backend must let the case die of that signal.
fn dies(case: &str, signal: i32) {
    for backend in offered() {
        let output = child(backend, case);
        assert_eq!(
            output.status.signal(),
            Some(signal),
            "{backend}: {}",
            text(&output)
        );
        assert!(
            !text(&output).contains("stray write"),
            "{backend}: {}",
            text(&output)
        );
    }
}

/// A session; what it restores is looked at through `black_box` only.
fn begin() -> Session {
    // SAFETY: as said above.
    unsafe { Session::begin() }.expect("none is open")
}

fn start() {
    Builder::new().start().expect("the backend works here");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_starts() {
    let backend = Builder::new().start().expect("offered");
    assert_eq!(
        std::env::var(BACKEND_VARIABLE).as_deref(),
        Ok(backend.name())
    );
    assert_eq!(asc_alloc::page::backend(), Some(backend));
    assert_eq!(Builder::new().start(), Err(StartError::Started));
}

#[test]
fn an_unknown_backend_is_refused_by_name() {
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program)
        .args(["--exact", "case_unknown", "--ignored", "--nocapture"])
        .env(BACKEND_VARIABLE, "magic")
        .output()
        .expect("the child starts");
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("\"magic\""), "{}", text(&output));
}

#[test]
#[ignore = "run as a child"]
fn case_unknown() {
    let error = Builder::new().start().expect_err("no such backend");
    println!("{error}");
    assert!(matches!(error, StartError::Unknown(_)));
    // SAFETY: there is none.
    let session = unsafe { Session::begin() };
    assert_eq!(session.map(drop), Err(BeginError::NotStarted));
    let backend = Builder::new().backend(Backend::Mprotect).start();
    assert_eq!(backend, Ok(Backend::Mprotect));
}

#[test]
fn two_equal_runs_are_committed() {
    passes("case_equal_runs");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_equal_runs() {
    start();
    let mut state = black_box(ALLOC.protected(|| vec![0u64; 40 * PAGE_WORDS]));
    // Often enough that pages become hot, and some stay cold.
    for round in 0..200 {
        let mut session = begin();
        // SAFETY: there is none.
        let nested = unsafe { Session::begin() };
        assert_eq!(nested.map(drop), Err(BeginError::Nested));
        let before = state.clone();
        let run = |state: &mut Vec<u64>| {
            for page in [1, 2, 3, 10 + round % 7, 20 + round % 20] {
                state[page * PAGE_WORDS + round % PAGE_WORDS] = round as u64 + 1;
            }
        };
        run(&mut state);
        let after = state.clone();
        session.capture();
        let dirty = session.dirty_pages().count();
        assert!(
            (4..=5).contains(&dirty),
            "{dirty} dirty pages in round {round}"
        );
        session.restore().expect("restored");
        assert_eq!(state, before);
        run(&mut state);
        session.compare().expect("the runs were equal");
        session.commit();
        assert_eq!(state, after);
    }
    let statistics = asc_alloc::statistics().pages;
    let hot = statistics.hot_pages;
    assert_eq!(statistics.sessions, 201);
    // Without a gate each session opens what it writes; with one, most of it is open already.
    let gated = asc_alloc::page::backend() == Some(Backend::KeyAndUserfault);
    assert_eq!(gated, hot > 0, "{hot} hot pages");
    let opened = statistics.opened_pages;
    assert_eq!(gated, opened < 500, "{opened} pages were opened");
    // What is not used any more is closed.
    (0..100).for_each(|_| begin().commit());
    assert_eq!(asc_alloc::statistics().pages.hot_pages, 0);
}

#[test]
fn a_difference_between_the_runs_is_named() {
    passes("case_different_runs");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_different_runs() {
    start();
    let mut state = black_box(ALLOC.protected(|| vec![7u64; 8 * PAGE_WORDS]));
    for round in 0..100 {
        let place = (round % 8) * PAGE_WORDS + 3 * round;
        // In turn: another value, a write that is missing, and one too many, on another page.
        for kind in 0..3 {
            let mut session = begin();
            state[place] = 1;
            session.capture();
            session.restore().expect("restored");
            let (wrong, second) = match kind {
                0 => (place, Some((place, 1 << 8 | 1))),
                1 => (place, None),
                _ => {
                    let other = (place + 2 * PAGE_WORDS) % state.len();
                    state[place] = 1;
                    (other, Some((other, 0x0707)))
                }
            };
            if let Some((index, value)) = second {
                state[index] = value;
            }
            let difference = session.compare().expect_err("the runs differed");
            let word = (&raw const state[wrong]).addr();
            assert_eq!(difference.address & !7, word, "{difference}");
            drop(session);
            assert!(state.iter().all(|&value| value == 7), "rolled back");
        }
    }
}

#[test]
fn a_fault_leaves_no_trace_in_the_handler() {
    passes("case_errno");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_errno() {
    start();
    let mut state = black_box(ALLOC.protected(|| vec![0u64; 64 * PAGE_WORDS]));
    let session = begin();
    // SAFETY: this thread's errno.
    let errno = unsafe { libc::__errno_location() };
    for page in 0..64 {
        // SAFETY: as above.
        unsafe { errno.write(1000 + page) };
        state[page as usize * PAGE_WORDS] = 1;
        // SAFETY: as above.
        assert_eq!(unsafe { errno.read() }, 1000 + page);
    }
    assert!(session.dirty_pages().count() >= 64);
    session.commit();
}

#[test]
fn a_panic_in_a_session_rolls_back() {
    passes("case_panic");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_panic() {
    start();
    let mut state = black_box(ALLOC.protected(|| vec![5u8; 100_000]));
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _session = begin();
        state.fill(6);
        panic!("half way");
    }));
    assert!(outcome.is_err());
    assert!(state.iter().all(|&byte| byte == 5));
    ALLOC.protected(|| state.fill(8));
    assert!(state.iter().all(|&byte| byte == 8));
}

#[test]
fn a_stray_write_is_caught_in_every_place() {
    ends("case_stray_main", EXIT_STRAY_WRITE, "stray write");
    ends("case_stray_thread", EXIT_STRAY_WRITE, "stray write");
    ends("case_stray_after_sessions", EXIT_STRAY_WRITE, "stray write");
    ends("case_stray_fresh_memory", EXIT_STRAY_WRITE, "stray write");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_stray_main() {
    start();
    let mut state = black_box(ALLOC.protected(|| vec![0u64; 1000]));
    state[500] = 1;
    panic!("the write went through");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_stray_thread() {
    start();
    let mut state = black_box(ALLOC.protected(|| vec![0u64; 1000]));
    let outcome = std::thread::spawn(move || state[1] = 1).join();
    panic!("the write went through: {outcome:?}");
}

/// The page is hot behind the gate by then.
#[test]
#[ignore = "run as a child per backend"]
fn case_stray_after_sessions() {
    start();
    let mut state = black_box(ALLOC.protected(|| vec![0u64; 1000]));
    for round in 0..10 {
        let session = begin();
        state[3] = round;
        session.commit();
    }
    state[3] = 99;
    panic!("the write went through");
}

/// Memory that was never touched, some of it committed after the start.
#[test]
#[ignore = "run as a child per backend"]
fn case_stray_fresh_memory() {
    start();
    let scope = ProtectedScope::enter();
    let mut state = vec![0u64; 16 << 20];
    drop(scope);
    assert_eq!(state[12 << 20], 0);
    state[12 << 20] = 1;
    panic!("the write went through");
}

/// Random places: pages that are hot, were written once, were only read, and were never touched; large
/// blocks and small ones; the protected blocks of a data structure and what was freed in between.
#[test]
fn every_injected_stray_write_is_caught() {
    passes("case_stray_injected");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_stray_injected() {
    const SEED: u64 = 0x5eed_57a1;
    const INJECTIONS: usize = 300;
    start();
    asc_alloc::page::set_stray_write_reporter(|_| ());
    let (mut large, mut small) = ALLOC.protected(|| {
        let small: Vec<Box<[u64; 12]>> = (0..5000).map(|_| Box::new([1; 12])).collect();
        (vec![0u64; 1 << 20], small)
    });
    for round in 0..50 {
        let session = begin();
        for page in 0..20 {
            large[page * PAGE_WORDS] = round;
        }
        large[(100 + round as usize) * PAGE_WORDS] = round;
        session.commit();
    }
    assert!(large[1 << 19..].iter().all(|&word| word == 0));
    println!("seed {SEED:#x}");
    let mut state = SEED;
    let mut random = |end: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % end
    };
    for injection in 0..INJECTIONS {
        let (place, node) = (random(1 << 20), random(5000));
        let hot = random(20) * PAGE_WORDS;
        let status = in_child(|| match injection % 3 {
            0 => large[place] ^= 1 << 17,
            1 => small[node][place % 12] ^= 1,
            _ => large[hot] ^= 1,
        });
        assert_eq!(
            status, EXIT_STRAY_WRITE,
            "injection {injection}: {place} {node} {hot}"
        );
    }
}

#[test]
fn a_stray_write_during_another_threads_session_is_caught() {
    ends("case_stray_beside_session", EXIT_STRAY_WRITE, "stray write");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_stray_beside_session() {
    start();
    let (mut mine, mut others) = ALLOC.protected(|| (vec![0u64; 10_000], vec![0u64; 10_000]));
    let session = begin();
    mine[5_000] = 1;
    // Started before the gate opened it would be without rights; here it inherits them, so the
    // session ends first for its thread.
    session.commit();
    let (go, wait) = std::sync::mpsc::channel();
    let (tell, told) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        wait.recv().expect("told to go");
        others[5_000] = 1;
        tell.send(()).expect("still there");
    });
    let session = begin();
    mine[5_000] = 2;
    go.send(()).expect("the thread waits");
    told.recv().expect("the write went through");
    session.commit();
    thread.join().expect("ends");
    panic!("the write went through");
}

#[test]
fn the_report_names_address_and_callers() {
    for backend in offered() {
        let output = child(backend, "case_stray_named");
        let said = text(&output);
        let address = said
            .lines()
            .find_map(|line| line.strip_prefix("about to write: "))
            .expect("the case says where it writes");
        assert!(
            said.contains(&format!("protected memory at {address}")),
            "{said}"
        );
        let frames = said
            .lines()
            .filter(|line| line.contains("(+0x") || line.contains("[0x"));
        assert!(frames.count() >= 4, "{backend}: {said}");
        assert_eq!(output.status.code(), Some(EXIT_STRAY_WRITE));
    }
}

#[test]
#[ignore = "run as a child per backend"]
fn case_stray_named() {
    start();
    let mut state = black_box(ALLOC.protected(|| vec![0u64; 1000]));
    println!("\nabout to write: {:#x}", (&raw const state[77]).addr());
    black_box(&mut state)[77] = 1;
}

#[test]
fn a_session_that_outgrows_its_tables_is_refused() {
    ends("case_too_many_pages", EXIT_REFUSED, "pages_max");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_too_many_pages() {
    Builder::new()
        .pages_max(10)
        .hot_pages_max(0)
        .start()
        .expect("works");
    let _session = begin();
    let _scope = ProtectedScope::enter();
    let state = vec![1u8; 12 * 4096];
    panic!("{} bytes were written", state.len());
}

#[test]
fn many_pages_in_one_session_are_restored() {
    passes("case_many_pages");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_many_pages() {
    start();
    const PAGES: usize = 12_000;
    let mut state = black_box(ALLOC.protected(|| vec![0u64; PAGES * PAGE_WORDS]));
    let mut session = begin();
    // Every second page, so that no two of them share a mapping.
    let places = || {
        (0..PAGES)
            .step_by(2)
            .map(|page| page * PAGE_WORDS + page % PAGE_WORDS)
    };
    places().for_each(|place| state[place] = 1);
    session.capture();
    session.restore().expect("restored");
    assert!(places().all(|place| state[place] == 0));
    places().for_each(|place| state[place] = 1);
    session.compare().expect("equal");
    session.commit();
    assert!(places().all(|place| state[place] == 1));
}

#[test]
fn a_fault_that_is_not_ours_does_what_it_did() {
    dies("case_foreign_default", libc::SIGSEGV);
    dies("case_sent_signal_default", libc::SIGBUS);
    passes("case_foreign_handler");
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
    passes("case_fork");
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

/// The exit status of a forked child that does `work`.
fn in_child(work: impl FnOnce()) -> i32 {
    // SAFETY: the child uses the allocator, which is prepared for forks, and `_exit`.
    let process = unsafe { libc::fork() };
    if process == 0 {
        work();
        // SAFETY: ends the child.
        unsafe { libc::_exit(0) };
    }
    let mut status = 0;
    // SAFETY: the child is this process's own.
    unsafe { libc::waitpid(process, &raw mut status, 0) };
    libc::WEXITSTATUS(status)
}

#[test]
fn a_thread_older_than_the_start_can_read_and_have_sessions() {
    passes("case_older_thread");
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

/// The kernel cannot put a signal frame on a closed page, so the handler must have a stack of its own.
#[test]
fn a_stack_may_lie_in_protected_memory() {
    passes("case_protected_stack");
}

#[test]
#[ignore = "run as a child per backend"]
fn case_protected_stack() {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    static SUM: AtomicU64 = AtomicU64::new(0);
    extern "C" fn on_that_stack() {
        let mut words = black_box([1u64; 4 * PAGE_WORDS]);
        words[3] = 2;
        SUM.store(black_box(&words).iter().sum(), Relaxed);
    }
    start();
    let mut stack = ALLOC.protected(|| vec![0u8; 1 << 20]);
    // SAFETY: zero is a valid context for `getcontext` to fill in.
    let mut here: libc::ucontext_t = unsafe { std::mem::zeroed() };
    // SAFETY: likewise.
    let mut there: libc::ucontext_t = unsafe { std::mem::zeroed() };
    // SAFETY: fills the structure in.
    unsafe { libc::getcontext(&raw mut there) };
    there.uc_stack.ss_sp = stack.as_mut_ptr().cast();
    there.uc_stack.ss_size = stack.len();
    there.uc_link = &raw mut here;
    let session = begin();
    // SAFETY: the function takes no arguments, and the stack outlives it.
    unsafe { libc::makecontext(&raw mut there, on_that_stack, 0) };
    // SAFETY: both contexts are live; the function returns to this one.
    unsafe { libc::swapcontext(&raw mut here, &raw const there) };
    assert_eq!(SUM.load(Relaxed), 4 * PAGE_WORDS as u64 + 1);
    assert!(session.dirty_pages().count() >= 8);
    session.roll_back().expect("restored");
    assert!(stack.iter().all(|&byte| byte == 0));
}

#[test]
fn returned_memory_is_zero_and_guarded_again() {
    passes("case_returned_memory");
    ends(
        "case_stray_in_returned_memory",
        EXIT_STRAY_WRITE,
        "stray write",
    );
}

#[test]
#[ignore = "run as a child per backend"]
fn case_returned_memory() {
    start();
    for round in 0..30 {
        ALLOC.protected(|| {
            drop(vec![round as u8; 200_000]);
            drop(vec![round as u8; 20_000]);
        });
        if round % 3 == 2 {
            ALLOC.return_memory();
            // A rollback must not bring back what a hot page held before.
            drop(begin());
        }
        let zeroed = ALLOC.protected(|| vec![0u8; 200_000]);
        assert!(zeroed.iter().all(|&byte| byte == 0), "round {round}");
    }
    // So much that it returns by itself when the session ends, hot pages with it.
    for round in 0..4 {
        ALLOC.protected(|| drop(black_box(vec![7u8; 48 << 20])));
        drop(begin());
        let zeroed = ALLOC.protected(|| vec![0u8; 48 << 20]);
        let is_zero = |page: &[u8]| page == [0; 4096];
        assert!(zeroed.chunks(4096).all(is_zero), "round {round}");
    }
}

#[test]
#[ignore = "run as a child per backend"]
fn case_stray_in_returned_memory() {
    start();
    ALLOC.protected(|| drop(vec![1u8; 200_000]));
    ALLOC.return_memory();
    let scope = ProtectedScope::enter();
    let mut state = vec![0u8; 200_000];
    drop(scope);
    state[100_000] = 1;
    panic!("the write went through");
}

#[test]
fn sessions_of_many_threads_follow_each_other() {
    passes("case_many_threads");
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
