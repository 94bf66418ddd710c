//! One case per run of the program: what no policy may survive, and what tells faults apart.

use std::hint::black_box;
use std::process::exit;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use asc_hardened_tests::unseen::{self, armed, core, count_run, flip, ticks, write};
use asc_runtime::sync::Mutex;
use asc_runtime::{Fault, Input, Mode, Output, Setup, asc_handler, mode};

use crate::incidents;

/// Exit status for an unknown case.
const EXIT_USAGE: i32 = 2;

type Case = (&'static str, fn() -> Result<u64, Fault>);

/// The cases. Each calls its handler and returns the result.
pub(crate) const ALL: &[Case] = &[
    ("none", none),
    ("stray_in_first_run", || stray(1)),
    ("stray_in_second_run", || stray(2)),
    ("stray_range", stray_range),
    ("stray_and_lost", stray_and_lost),
    ("escaped_hook", escaped_hook),
    ("escaped_hook_and_new_block", escaped_hook_and_new_block),
    ("first_hook_of_two", || first_hook_of_two(false)),
    ("first_hook_of_two_apart", || first_hook_of_two(true)),
    ("misplaced_hook", misplaced_hook),
    ("shared_in_first_run", || shared(1)),
    ("shared_in_second_run", || shared(2)),
    ("effect_in_first_run", || effect_once(1)),
    ("effect_in_second_run", || effect_once(2)),
    ("locked_in_first_run", || locked(1)),
    ("locked_in_second_run", || locked(2)),
    ("nondeterministic", nondeterministic),
    ("one_core", one_core),
    ("request_at_rest", request_at_rest),
    ("crash_when_tried_again", || tried_again(crash)),
    ("hang_when_tried_again", || tried_again(hang)),
    ("handler_in_callback", handler_in_callback),
    ("thousand_allocations", thousand_allocations),
];

pub(crate) fn run(name: &str) {
    let Some((name, case)) = ALL.iter().find(|(known, _)| *known == name) else {
        eprintln!("no case is called `{name}`: see `policies list`");
        exit(EXIT_USAGE)
    };
    if *name != "handler_in_callback" {
        incidents::listen();
    }
    // In good health first, so that the runtime knows the handler.
    assert!(case().is_ok());
    unseen::arm();
    unseen::start_counting();
    println!("before");
    match case() {
        Ok(_) => println!("answered"),
        Err(_) => println!("dropped"),
    }
    unseen::start_counting();
    incidents::print();
}

/// The number of the run; 0 before strikes begin.
fn run_number() -> u64 {
    if armed() { count_run() } else { 0 }
}

fn none() -> Result<u64, Fault> {
    #[asc_handler]
    fn handler(state: &mut u64) -> Result<u64, Fault> {
        *state += 1;
        Ok(*state)
    }
    handler(&mut 0)
}

/// A store goes to another word than its hook announced.
fn stray(struck: u64) -> Result<u64, Fault> {
    #[asc_handler]
    fn handler(state: &mut [u64; 8], struck: u64) -> Result<u64, Fault> {
        let is_struck = run_number() == struck;
        let before = state[1];
        state[1] = black_box(before + 7);
        if is_struck {
            // SAFETY: live words.
            unsafe { write(&raw mut state[1], before) };
            // SAFETY: as above.
            unsafe { write(&raw mut state[5], before + 7) };
        }
        Ok(7)
    }
    let mut state = [1; 8];
    let outcome = handler(&mut state, struck)?;
    assert_eq!(state, [1, 8, 1, 1, 1, 1, 1, 1]);
    Ok(outcome)
}

/// The same with a long range.
fn stray_range() -> Result<u64, Fault> {
    #[asc_handler]
    fn handler(state: &mut [u64], source: &[u64]) -> Result<u64, Fault> {
        let is_struck = run_number() == 1;
        state[..100].copy_from_slice(source);
        if is_struck {
            for word in &mut state[..100] {
                // SAFETY: a live word.
                unsafe { write(&raw mut *word, 1) };
            }
        }
        Ok(7)
    }
    let mut state = vec![1; 200];
    handler(&mut state, &[5; 100])
}

/// A store; its hook is jumped over if it `escapes`.
#[inline(never)]
fn store(place: &mut u64, value: u64, escapes: bool) {
    if escapes {
        // SAFETY: a live word.
        unsafe { write(place, value) };
    } else {
        // SAFETY: as above.
        unsafe { (&raw mut *place).write_volatile(value) };
    }
}

/// The first run jumps over a hook, but not over its store.
fn escaped_hook() -> Result<u64, Fault> {
    #[asc_handler]
    fn handler(state: &mut [u64; 8]) -> Result<u64, Fault> {
        let is_struck = run_number() == 1;
        store(&mut state[1], 9, is_struck);
        state[2] += 1;
        Ok(7)
    }
    handler(&mut [1; 8])
}

/// Behind the hook that is jumped over, the first run stores to a block of its own. The run that is then
/// checked against its record ends before it has that block.
fn escaped_hook_and_new_block() -> Result<u64, Fault> {
    #[asc_handler]
    fn handler(state: &mut [u64; 8]) -> Result<u64, Fault> {
        let is_struck = run_number() == 1;
        let value = state[1] + 1;
        store(&mut state[1], value, is_struck);
        let mut block = black_box(Box::new(0_u64));
        store(&mut block, 3, false);
        Ok(*block)
    }
    handler(&mut [1; 8])
}

/// The first run jumps over the first hook of a place to which it stores twice, perhaps with another store between.
fn first_hook_of_two(apart: bool) -> Result<u64, Fault> {
    #[asc_handler]
    fn handler(state: &mut [u64; 8], apart: bool) -> Result<u64, Fault> {
        let is_struck = run_number() == 1;
        let value = state[1] + 1;
        store(&mut state[1], value, is_struck);
        if apart {
            state[4] += 1;
        }
        store(&mut state[1], value + 1, false);
        Ok(7)
    }
    handler(&mut [1; 8], apart)
}

/// The hook of the first run tells another address than its store's.
fn misplaced_hook() -> Result<u64, Fault> {
    #[asc_handler]
    fn handler(state: &mut [u64; 8]) -> Result<u64, Fault> {
        let is_struck = run_number() == 1;
        let place = &raw mut state[1];
        if is_struck {
            // What the hook is told,
            let other = &raw mut state[6];
            // SAFETY: live words.
            let word = unsafe { other.read_volatile() };
            // SAFETY: likewise.
            unsafe { other.write_volatile(word) };
            // and what is stored.
            // SAFETY: as above.
            unsafe { write(place, 9) };
        } else {
            // SAFETY: as above.
            unsafe { place.write_volatile(9) };
        }
        state[2] += 1;
        Ok(7)
    }
    handler(&mut [1; 8])
}

/// A store of the first run goes astray, and then the run takes a path of its own.
fn stray_and_lost() -> Result<u64, Fault> {
    #[asc_handler]
    fn handler(state: &mut [u64; 8]) -> Result<u64, Fault> {
        let is_struck = run_number() == 1;
        let before = state[1];
        state[1] = black_box(before + 7);
        if is_struck {
            // SAFETY: live words.
            unsafe { write(&raw mut state[1], before) };
            // SAFETY: as above.
            unsafe { write(&raw mut state[5], before + 7) };
        }
        state[if is_struck { 4 } else { 3 }] += 1;
        Ok(7)
    }
    handler(&mut [1; 8])
}

static SHARED: AtomicU64 = AtomicU64::new(0);

/// A handler that has changed what others may have seen.
fn shared(struck: u64) -> Result<u64, Fault> {
    #[asc_handler]
    fn handler(state: &mut u64, struck: u64) -> Result<u64, Fault> {
        let is_struck = run_number() == struck;
        SHARED.fetch_add(1, Ordering::Relaxed);
        *state += black_box(u64::from(is_struck) << 20 | 1);
        Ok(*state)
    }
    let before = SHARED.load(Ordering::Relaxed);
    let outcome = handler(&mut 0, struck);
    // Page mode subtracts what a dropped message has added.
    let is_undone = mode() == Mode::Page && outcome.is_err();
    let added = u64::from(!is_undone);
    assert_eq!(SHARED.load(Ordering::Relaxed), before + added);
    outcome
}

/// A handler that has acted on the world, and one whose actions wait for the commit.
fn effect_once(struck: u64) -> Result<u64, Fault> {
    #[asc_handler]
    fn handler(state: &mut u64, struck: u64) -> Result<u64, Fault> {
        let is_struck = run_number() == struck;
        asc_runtime::effect(|| SHARED.fetch_add(1, Ordering::Relaxed));
        asc_runtime::after_commit(|| {
            SHARED.fetch_add(1, Ordering::Relaxed);
        });
        *state += black_box(u64::from(is_struck) << 20 | 1);
        Ok(*state)
    }
    let before = SHARED.load(Ordering::Relaxed);
    let outcome = handler(&mut 0, struck)?;
    assert_eq!(SHARED.load(Ordering::Relaxed), before + 2);
    Ok(outcome)
}

static LOCKED: Mutex<u64> = Mutex::new(0);

/// A handler on locked state, which is free for others whatever has become of the message.
fn locked(struck: u64) -> Result<u64, Fault> {
    #[asc_handler]
    fn handler(struck: u64) -> Result<u64, Fault> {
        let is_struck = run_number() == struck;
        let mut state = LOCKED.lock().expect("never poisoned");
        *state += black_box(u64::from(is_struck) << 20 | 1);
        Ok(*state)
    }
    let before = *LOCKED.lock().expect("never poisoned");
    let outcome = handler(struck);
    let after = *LOCKED.try_lock().expect("nobody holds it");
    assert_eq!(after, before + u64::from(outcome.is_ok()));
    outcome
}

/// A handler that asks what is not recorded.
fn nondeterministic() -> Result<u64, Fault> {
    #[asc_handler]
    fn handler(state: &mut u64) -> Result<u64, Fault> {
        if armed() {
            *state += ticks();
        }
        Ok(7)
    }
    let mut state = 1;
    handler(&mut state).inspect_err(|_| assert_eq!(state, 1))
}

/// A core that computes something else each time.
fn one_core() -> Result<u64, Fault> {
    #[asc_handler]
    fn handler(state: &mut u64, bad: u32) -> Result<u64, Fault> {
        let is_struck = armed() && core() == bad;
        *state += black_box(if is_struck { ticks() } else { 1 });
        Ok(7)
    }
    let bad = pin();
    let mut state = 0;
    let outcome = handler(&mut state, bad)?;
    assert_eq!(state, 1);
    assert_eq!(core(), bad, "the thread's affinity is what it was");
    Ok(outcome)
}

/// Binds the thread to the core that it is on.
fn pin() -> u32 {
    let here = core();
    // SAFETY: zeroes are an empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: a core that exists.
    unsafe { libc::CPU_SET(here as usize, &mut set) };
    // SAFETY: a live set of that size.
    let outcome = unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) };
    assert_eq!(outcome, 0);
    here
}

/// A request whose bytes changed in memory, for good.
fn request_at_rest() -> Result<u64, Fault> {
    #[asc_handler]
    fn handler(
        state: &mut u64,
        request: &Input<'_>,
        address: usize,
        reply: &mut Output,
    ) -> Result<u64, Fault> {
        *state += 1;
        if run_number() == 1 {
            // SAFETY: the address of the request.
            unsafe { flip(ptr::with_exposed_provenance_mut(address), 1) };
        }
        reply.write(request.bytes());
        Ok(7)
    }
    let mut bytes = *b"request";
    let address = bytes.as_mut_ptr().expose_provenance();
    let (mut state, mut reply) = (1, Output::new());
    let outcome = handler(&mut state, &Input::seal(&bytes), address, &mut reply);
    if outcome.is_err() {
        assert_eq!(state, 1);
        assert!(reply.bytes().is_empty());
    }
    outcome
}

/// Running again does harm.
fn tried_again(harm: fn()) -> Result<u64, Fault> {
    #[asc_handler]
    fn handler(state: &mut u64, harm: fn()) -> Result<u64, Fault> {
        let run = run_number();
        if run > 2 {
            harm();
        }
        *state = black_box(if run == 2 { 3 } else { 2 });
        Ok(7)
    }
    handler(&mut 0, harm)
}

fn crash() {
    // SAFETY: none; that is the point.
    unsafe { write(ptr::null_mut(), 1) };
}

fn hang() {
    loop {
        std::hint::spin_loop();
    }
}

/// The program's callback calls handlers itself.
fn handler_in_callback() -> Result<u64, Fault> {
    #[asc_handler]
    fn count(state: &mut u64, reply: &mut Output) {
        *state += 1;
        reply.write(b"counted");
    }
    #[asc_handler]
    fn handler(state: &mut u64, reply: &mut Output) -> Result<u64, Fault> {
        *state += black_box(u64::from(run_number() == 2) << 9 | 1);
        reply.write(b"done");
        Ok(*state)
    }
    // The first of the two calls of this case installs it.
    let _ = Setup::new()
        .on_incident(|incident| {
            let (mut state, mut reply) = (0, Output::new());
            count(&mut state, &mut reply);
            assert_eq!((state, reply.bytes()), (1, &b"counted"[..]));
            println!(
                "incidents: 1 {} {}",
                incident.classification.name(),
                incident.action.name()
            );
        })
        .install();
    let (mut state, mut reply) = (0, Output::new());
    let outcome = handler(&mut state, &mut reply);
    let said: &[u8] = if outcome.is_ok() { b"done" } else { b"" };
    assert_eq!(reply.bytes(), said);
    outcome
}

/// What struck runs allocated is freed.
fn thousand_allocations() -> Result<u64, Fault> {
    const BLOCK_BYTES: usize = 1 << 20;
    const KIBIBYTES_MAX: u64 = 100 << 10;
    #[asc_handler]
    fn handler(state: &mut Vec<u8>) -> Result<u64, Fault> {
        let is_struck = run_number() == 1;
        *state = black_box(vec![1; BLOCK_BYTES + usize::from(is_struck)]);
        Ok(state.len() as u64)
    }
    let mut state = Vec::new();
    for _ in 0..1_000 {
        unseen::start_counting();
        handler(&mut state)?;
        assert_eq!(state.len(), BLOCK_BYTES);
    }
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident.and_then(|line| line.trim().strip_suffix(" kB"));
    let kibibytes: u64 = resident
        .and_then(|number| number.parse().ok())
        .expect("a number");
    assert!(kibibytes < KIBIBYTES_MAX, "{kibibytes} KiB are in use");
    Ok(7)
}
