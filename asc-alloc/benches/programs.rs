//! What programs made of crates from crates.io cost on this allocator, glibc's, mimalloc and jemalloc.
//!
//! ```text
//! cargo bench -p asc-alloc --features rivals --bench programs [-- ROUNDS]
//! ```
//!
//! 1. A process has one global allocator, so the program starts itself once per allocator. The choice costs
//!    each of them the same: a load and a branch for each call.
//! 2. A round asks each child in turn to run a workload once, in an order that rotates; all answers must
//!    have the same length.
//! 3. A round's ratio compares neighbours in time. Printed are the median ratio to glibc, with the
//!    smallest and largest of all rounds, and glibc's own median time.

#[path = "../tests/programs/chosen.rs"]
mod chosen;
#[path = "../tests/programs/workloads.rs"]
mod workloads;

use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use chosen::{Chosen, NAMES, VARIABLE};
use workloads::WORKLOADS;

#[global_allocator]
static ALLOC: Chosen = Chosen;

const ROUNDS_DEFAULT: usize = 21;

fn main() {
    if std::env::var_os(VARIABLE).is_some() {
        answer();
        return;
    }
    let rounds = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"))
        .map_or(ROUNDS_DEFAULT, |rounds| {
            rounds
                .parse()
                .expect("the argument is the number of rounds")
        });
    workloads::generate(&directory()).expect("the target directory is writable");
    println!("{rounds} rounds; ratios to glibc: median (smallest .. largest)");
    print!("{:<34} {:>9} ", "program", "glibc ms");
    NAMES[1..].iter().for_each(|name| print!(" {name:<22}"));
    println!();
    let mut runners = NAMES.map(Runner::start);
    for (index, (name, _)) in WORKLOADS.into_iter().enumerate() {
        measure(name, index, rounds, &mut runners);
    }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs measured")
}

/// Prints one row.
fn measure(name: &str, workload: usize, rounds: usize, runners: &mut [Runner; NAMES.len()]) {
    let lengths = runners.each_mut().map(|runner| runner.run(workload).1);
    assert!(
        lengths.iter().all(|&length| length == lengths[0]),
        "{name}: {lengths:?}"
    );
    let mut times = vec![[0.0; NAMES.len()]; rounds];
    for (round, row) in times.iter_mut().enumerate() {
        for turn in 0..NAMES.len() {
            let index = (turn + round) % NAMES.len();
            row[index] = runners[index].run(workload).0;
        }
    }
    let system = median(times.iter().map(|row| row[0]));
    print!("{name:<34} {:>9.1} ", system * 1e3);
    for index in 1..NAMES.len() {
        let ratios = times.iter().map(|row| row[index] / row[0]);
        let smallest = ratios.clone().fold(f64::INFINITY, f64::min);
        let largest = ratios.clone().fold(0.0, f64::max);
        let text = format!("{:.2} ({smallest:.2} .. {largest:.2})", median(ratios));
        print!(" {text:<22}");
    }
    println!();
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A child on one allocator.
struct Runner {
    process: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Runner {
    fn start(allocator: &str) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut process = Command::new(program)
            .env(VARIABLE, allocator)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the child starts");
        let answers = BufReader::new(process.stdout.take().expect("piped"));
        Self { process, answers }
    }

    /// Seconds, and the length of the answer.
    fn run(&mut self, workload: usize) -> (f64, usize) {
        let questions = self.process.stdin.as_mut().expect("piped");
        writeln!(questions, "{workload}").expect("the child lives");
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .expect("the child answers");
        let (seconds, length) = line.trim().split_once(' ').expect("two numbers");
        (
            seconds.parse().expect("a time"),
            length.parse().expect("a length"),
        )
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // Its questions end.
        drop(self.process.stdin.take());
        let ended = self.process.wait();
        assert!(ended.is_ok_and(|status| status.success()), "a child failed");
    }
}

/// A child: runs what it is asked for.
fn answer() {
    for line in std::io::stdin().lines() {
        let index: usize = line.expect("readable").parse().expect("a number");
        let (_, workload) = WORKLOADS[index];
        let start = Instant::now();
        let answer = black_box(workload(&directory()));
        println!("{} {}", start.elapsed().as_secs_f64(), answer.len());
    }
}
