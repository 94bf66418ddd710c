//! What a handler costs that writes one word to each of 1, 10 and 64 pages: page mode on each backend, hot
//! and cold, beside the word level.
//!
//! ```text
//! cargo asc build --release -p asc-benches --features page --bin pages
//! cargo run --release -p asc-benches --features page --bin pages -- \
//!     target/asc/x86_64-unknown-linux-gnu/release/pages
//! ```
//!
//! 1. Page mode is one backend per process, so the program starts itself for each, and the hardened build
//!    that it was given the path of. The children answer in turn, round by round, so that neighbours in
//!    the table are neighbours in time.
//! 2. *Hot* writes the same pages every time, *cold* each page once in more handlers than the hot set
//!    looks back. A backend without a gate has no hot pages, so both are the same there; so they are at
//!    word level but for the cache.
//! 3. Printed are the median of the rounds with the smallest and the largest, in microseconds.

use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use asc_runtime::asc_handler;
#[cfg(not(asc))]
use asc_runtime::paged::{Builder, StartError};

#[cfg(not(asc))]
#[global_allocator]
static ALLOC: asc_alloc::AscAlloc = asc_alloc::AscAlloc::new();

const CHILD: &str = "child";
const BACKENDS: [&str; 3] = ["pku", "userfaultfd", "mprotect"];
const PAGE_WORDS: usize = 4096 / 8;
const ROUNDS: usize = 21;
/// Handlers of a round.
const HANDLERS: usize = 40;
/// More than the hot set remembers (32), so that no page is written twice within that many.
const SETS: usize = 48;
const PAGES: [usize; 3] = [1, 10, 64];

fn main() {
    let argument = std::env::args().nth(1);
    if argument.as_deref() == Some(CHILD) {
        answer();
        return;
    }
    let own = std::env::current_exe().expect("this program has a path");
    let own = own.to_string_lossy().into_owned();
    let mut rows: Vec<Row> = BACKENDS
        .into_iter()
        .map(|backend| Row::new(backend, &own, backend))
        .chain(argument.map(|hardened| Row::new("word level", &hardened, "")))
        .flatten()
        .collect();
    for _ in 0..=ROUNDS {
        rows.iter_mut().for_each(Row::measure);
    }
    println!("microseconds for a handler: median (smallest .. largest) of {ROUNDS} rounds");
    println!("{:<12} {:>5}  {:<26} {:<26}", "", "pages", "hot", "cold");
    for row in &mut rows {
        for (index, pages) in PAGES.into_iter().enumerate() {
            let [hot, cold] = [0, 1].map(|kind| row.summary(2 * index + kind));
            println!("{:<12} {pages:>5}  {hot:<26} {cold:<26}", row.name);
        }
    }
}

/// A child, and what it has answered: for each number of pages hot and cold.
struct Row {
    name: &'static str,
    child: Child,
    replies: BufReader<std::process::ChildStdout>,
    times: Vec<Vec<f64>>,
}

impl Row {
    fn new(name: &'static str, program: &str, backend: &str) -> Option<Self> {
        let mut child = Command::new(program)
            .arg(CHILD)
            .env("ASC_PAGE_BACKEND", backend)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the child starts");
        let stdout = child.stdout.take().expect("piped");
        let mut row = Self {
            name,
            child,
            replies: BufReader::new(stdout),
            times: vec![Vec::new(); 2 * PAGES.len()],
        };
        let ready = row.line();
        if ready.starts_with("ready") {
            return Some(row);
        }
        println!("{name}: {ready}");
        None
    }

    /// One round; the first is for the hot set to form.
    fn measure(&mut self) {
        let stdin = self.child.stdin.as_mut().expect("piped");
        writeln!(stdin, "round").expect("the child reads");
        let line = self.line();
        for (times, time) in self.times.iter_mut().zip(line.split(' ')) {
            times.push(time.parse().expect("a number"));
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.replies
            .read_line(&mut line)
            .expect("the child answers");
        line.trim().to_owned()
    }

    fn summary(&mut self, index: usize) -> String {
        let times = &mut self.times[index][1..];
        times.sort_by(f64::total_cmp);
        let (least, most) = (times[0], times[times.len() - 1]);
        format!("{:.2} ({least:.2} .. {most:.2})", times[times.len() / 2])
    }
}

/// The child: states of all sizes, a line of times for each line read.
fn answer() {
    #[cfg(not(asc))]
    if let Err(error) = start() {
        println!("{error}");
        return;
    }
    let mut states: Vec<Vec<u64>> = PAGES
        .into_iter()
        .map(|pages| protected(|| vec![0; 2 * pages * SETS * PAGE_WORDS]))
        .collect();
    println!("ready {}", asc_runtime::mode().name());
    let mut count = 0;
    for _ in std::io::stdin().lock().lines() {
        let mut times = Vec::new();
        for (state, pages) in states.iter_mut().zip(PAGES) {
            times.push(round(state, pages, &mut count, |_| 0));
            times.push(round(state, pages, &mut count, |handler| handler % SETS));
        }
        let times: Vec<_> = times.iter().map(|time| format!("{time:.3}")).collect();
        println!("{}", times.join(" "));
    }
}

/// Without protection keys, too: what a page costs is the same, as long as no other memory is stored to.
#[cfg(not(asc))]
fn start() -> Result<(), StartError> {
    let started = match Builder::new().start() {
        Err(StartError::Unguarded) => Builder::new().accept_unguarded().start(),
        started => started,
    };
    started.map(|_| ())
}

/// Microseconds for a handler, each on the set of pages that `set` chooses.
fn round(state: &mut [u64], pages: usize, count: &mut usize, set: impl Fn(usize) -> usize) -> f64 {
    let mut spent = 0.0;
    // The first ones make the pages hot again after the cold ones.
    for handler in 0..2 * HANDLERS {
        // Every second page, so that no two can be closed at once.
        let first = 2 * pages * set(*count);
        let start = Instant::now();
        write(black_box(&mut *state), first, pages, *count as u64);
        if handler >= HANDLERS {
            spent += start.elapsed().as_secs_f64();
        }
        *count += 1;
    }
    spent * 1e6 / HANDLERS as f64
}

#[asc_handler]
fn write(state: &mut [u64], first: usize, pages: usize, value: u64) {
    for page in (first..first + 2 * pages).step_by(2) {
        state[page * PAGE_WORDS + page % PAGE_WORDS] = value + 1;
    }
}

#[cfg(not(asc))]
fn protected<R>(scope: impl FnOnce() -> R) -> R {
    ALLOC.protected(scope)
}

#[cfg(asc)]
fn protected<R>(scope: impl FnOnce() -> R) -> R {
    scope()
}
