//! What the scrubber costs the handlers beside it, and whether it keeps its rate.
//!
//! ```text
//! cargo bench -p asc-alloc --bench scrubber
//! ```
//!
//! 1. 1 GiB of protected memory is written once, with a code for each line of 128 bytes.
//! 2. For each rate, and without a scrubber before each, sessions that change ten hot pages run for a
//!    second; printed are their times, their ratio to those without, and how fast the scrubber was.
//! 3. At last one full pass is timed at 1 GiB per second.
//!
//! On one processor the scrubber takes its time from the handlers; with another one free it only makes
//! them wait for a batch of 64 KiB now and then.

use std::time::{Duration, Instant};

use asc_alloc::AscAlloc;
use asc_alloc::page::{Builder, Rot, Scrubber, Session};

#[global_allocator]
static ALLOC: AscAlloc = AscAlloc::new();

const MEBIBYTE: u64 = 1 << 20;
const STATE_BYTES: usize = 1 << 30;
const PAGE_WORDS: usize = 4096 / 8;
const RATES: [u64; 3] = [64 * MEBIBYTE, 512 * MEBIBYTE, 4096 * MEBIBYTE];

fn main() {
    let backend = Builder::new()
        .integrity(128, Rot::Stop)
        .start()
        .expect("mprotect works everywhere");
    let mut state = Vec::new();
    // Piece by piece: a session changes at most 64 MiB.
    for _ in 0..STATE_BYTES / (16 << 20) {
        state.push(ALLOC.protected(|| vec![1u64; (16 << 20) / 8]));
    }
    println!("{backend}, 1 GiB of protected memory, ten hot pages per session");
    println!(
        "{:>12}  {:>12}  {:>6}  {:>14}",
        "rate, MiB/s", "session, us", "ratio", "reached, MiB/s"
    );
    for rate in RATES {
        let alone = sessions(&mut state[0]);
        let scrubber = Scrubber::start(rate).expect("started with codes");
        let start = Instant::now();
        let beside = sessions(&mut state[0]);
        let reached = scrubber.progress().bytes as f64 / start.elapsed().as_secs_f64();
        drop(scrubber);
        println!(
            "{:>12}  {beside:>12.2}  {:>6.2}  {:>14.0}",
            rate / MEBIBYTE,
            beside / alone,
            reached / MEBIBYTE as f64
        );
    }
    let start = Instant::now();
    let scrubber = Scrubber::start(1024 * MEBIBYTE).expect("started with codes");
    while scrubber.progress().passes == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let (took, bytes) = (start.elapsed(), scrubber.progress().bytes);
    println!(
        "a pass over {} MiB at 1,024 MiB/s took {took:.2?}",
        bytes / MEBIBYTE
    );
}

/// Microseconds of a session, on average over a second.
fn sessions(state: &mut [u64]) -> f64 {
    let start = Instant::now();
    let mut count = 0u64;
    while start.elapsed() < Duration::from_secs(1) {
        let mut session = begin();
        write(state, count);
        session.capture();
        session.restore().expect("restored");
        write(state, count);
        session.compare().expect("equal");
        session.commit();
        count += 1;
    }
    start.elapsed().as_secs_f64() * 1e6 / count as f64
}

#[inline(never)]
fn write(state: &mut [u64], value: u64) {
    (0..10).for_each(|page| state[page * 2 * PAGE_WORDS] = value);
}

/// A session; what it restores is looked at through `black_box` only.
fn begin() -> Session {
    // SAFETY: as said above.
    unsafe { Session::begin() }.expect("none is open")
}
