//! What a write session costs on each backend: 1, 10 and 64 pages, hot and cold.
//!
//! ```text
//! cargo bench -p asc-alloc --bench sessions
//! ```
//!
//! 1. The page level is one per process, so the program starts itself once per backend, without and
//!    with a code for each line of 128 bytes.
//! 2. A session writes one word to each page, captures, restores, writes again, compares and commits:
//!    all that a handler costs beyond its own code.
//! 3. *Hot* writes the same pages every time, *cold* each page once in more sessions than the hot set
//!    looks back. A backend without a gate has no hot pages, so both are the same there.
//! 4. Printed are the median of the rounds with the smallest and the largest.

use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use asc_alloc::AscAlloc;
use asc_alloc::page::{BACKEND_VARIABLE, Backend, Builder, Rot, Session};

#[global_allocator]
static ALLOC: AscAlloc = AscAlloc::new();

const CHILD_VARIABLE: &str = "ASC_SESSIONS_CHILD";
/// Marks a child, and a row, with line codes.
const CODES: &str = "codes";
const LINE_BYTES: usize = 128;
const PAGE_WORDS: usize = 4096 / 8;
const ROUNDS: usize = 21;
/// Sessions of a round.
const SESSIONS: usize = 40;
/// More than the hot set remembers (32), so that no page is written twice within that many.
const SETS: usize = 48;

fn main() {
    if std::env::var_os(CHILD_VARIABLE).is_some() {
        measure();
        return;
    }
    println!("microseconds for a session: median (smallest .. largest) of {ROUNDS} rounds");
    println!(
        "{:<18} {:>5}  {:<24} {:<24}",
        "backend", "pages", "hot", "cold"
    );
    let program = std::env::current_exe().expect("this program has a path");
    for codes in ["", CODES] {
        for backend in Backend::ALL {
            let status = Command::new(&program)
                .env(CHILD_VARIABLE, codes)
                .env(BACKEND_VARIABLE, backend.name())
                .status()
                .expect("the child starts");
            assert!(status.success(), "{backend}: {status}");
        }
    }
}

fn measure() {
    let mut builder = Builder::new();
    let with_codes = std::env::var(CHILD_VARIABLE).as_deref() == Ok(CODES);
    if with_codes {
        builder = builder.integrity(LINE_BYTES, Rot::Stop);
    }
    let name = match builder.start() {
        Ok(backend) if with_codes => format!("{backend} {CODES}"),
        Ok(backend) => backend.to_string(),
        Err(error) => {
            println!("{error}");
            return;
        }
    };
    for pages in [1, 10, 64] {
        let mut state = ALLOC.protected(|| vec![0u64; 2 * pages * SETS * PAGE_WORDS]);
        let hot = rounds(&mut state, pages, |_| 0);
        let cold = rounds(&mut state, pages, |session| session % SETS);
        println!("{name:<18} {pages:>5}  {hot:<24} {cold:<24}");
    }
}

/// Times rounds of sessions, each on the set of pages that `set` chooses.
fn rounds(state: &mut [u64], pages: usize, set: impl Fn(usize) -> usize) -> String {
    let mut times = Vec::with_capacity(ROUNDS);
    let mut count = 0;
    // One round unmeasured, for the hot set to form.
    for round in 0..=ROUNDS {
        let start = Instant::now();
        for _ in 0..SESSIONS {
            // Every second page, so that no two can be closed at once.
            let first = 2 * pages * set(count);
            session(state, (first..first + 2 * pages).step_by(2), count as u64);
            count += 1;
        }
        if round > 0 {
            times.push(start.elapsed().as_secs_f64() * 1e6 / SESSIONS as f64);
        }
    }
    times.sort_by(f64::total_cmp);
    format!(
        "{:.2} ({:.2} .. {:.2})",
        times[ROUNDS / 2],
        times[0],
        times[ROUNDS - 1]
    )
}

fn session(state: &mut [u64], pages: impl Iterator<Item = usize> + Clone, value: u64) {
    let mut session = begin();
    write(state, pages.clone(), value);
    session.capture();
    session.restore().expect("restored");
    write(state, pages, value);
    session.compare().expect("equal");
    session.commit();
}

#[inline(never)]
fn write(state: &mut [u64], pages: impl Iterator<Item = usize>, value: u64) {
    let state = black_box(state);
    pages.for_each(|page| state[page * PAGE_WORDS + page % PAGE_WORDS] = value + 1);
}

/// A session; what it restores is looked at through `black_box` only.
fn begin() -> Session {
    // SAFETY: as said above.
    unsafe { Session::begin() }.expect("none is open")
}
