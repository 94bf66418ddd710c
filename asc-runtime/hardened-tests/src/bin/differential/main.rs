//! Long random operation sequences inside handlers against the same operations plain.
//!
//! Every subject (one per concept, in `operations`) exists twice. One copy is only ever changed by
//! `#[asc_handler]` functions, the other only by plain calls; each step's result and, now and then,
//! the digests of both must be equal. With `audit` every handler is audited as well.
//!
//! Arguments: `seed=N`, `count=N` (steps per subject), `threads=N`, `only=SUBJECT`, `audit`.

mod driver;
mod locks_held;
mod operations;
mod shared;
mod subject;

use std::process::ExitCode;

use asc_hardened_tests::{arguments, page_mode};
use asc_runtime::{Mode, mode, statistics};

use crate::driver::Run;

#[cfg(not(asc))]
#[global_allocator]
static ALLOC: asc_alloc::AscAlloc = asc_alloc::AscAlloc::new();

fn main() -> ExitCode {
    page_mode::start_if_asked();
    let run = Run::from_arguments();
    println!("differential {run}");
    driver::silence_panics();
    let threads = arguments::number("threads", 1) as usize;
    assert!(
        threads <= subject::THREADS_MAX,
        "at most {} threads",
        subject::THREADS_MAX
    );
    let incomplete: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (1..threads)
            .map(|thread| scope.spawn(move || run.all(thread)))
            .collect();
        let own = run.all(0);
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a thread failed"))
            .sum::<u64>()
            + own
    });
    if threads > 1 {
        shared::run(run, threads);
        if mode() != Mode::Plain {
            locks_held::run(run, threads);
        }
    }
    let statistics = statistics();
    println!("mode {} {statistics:?}", mode().name());
    let runs_per_handler = if mode() == Mode::Plain { 1 } else { 2 };
    assert!(run.audit || statistics.runs >= runs_per_handler * statistics.handlers);
    assert_eq!(statistics.faults, 0);
    if incomplete > 0 {
        println!("{incomplete} handlers changed memory unlogged");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
