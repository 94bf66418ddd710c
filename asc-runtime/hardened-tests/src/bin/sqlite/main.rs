//! A C library that changes protected memory: bundled SQLite, its heap Rust's, its database in memory.
//!
//! Random statements inside handlers: page by page, page mode sees what the C code stores. The lines that
//! begin with `statements` depend on the seed alone, so those of a plain run are what page mode must
//! print. With `strikes=N` once in N statements a bit flips in what the C code wrote in one of the runs
//! or was about to read; what became of it the process's policy says (`ASC_ON_FAULT`).
//!
//! Arguments: `seed=N`, `count=N`, `strikes=N`.
//!
//! The hardened build cannot instrument C code: its first statement differs from itself and stops the program.

mod database;
mod heap;
mod statement;
mod strike;

use asc_hardened_tests::page_mode::{self, protected};
use asc_hardened_tests::random::Random;
use asc_hardened_tests::{arguments, unseen};
use asc_runtime::{Fault, Mode, OnFault, asc_handler, mode, statistics};

use crate::database::{Database, Reply};
use crate::statement::Statement;
use crate::strike::Strike;

const PRINTED_EVERY: u64 = 250;

#[cfg(not(asc))]
#[global_allocator]
static ALLOC: asc_alloc::AscAlloc = asc_alloc::AscAlloc::new();

fn main() {
    page_mode::start_if_asked();
    heap::make_rusts();
    let seed = arguments::number("seed", 1);
    let count = arguments::number("count", 2_000);
    println!("sqlite seed={seed} count={count}");
    let mut database = protected(|| Box::new(Database::open()));
    unseen::arm();
    let mut run = Run {
        statements: Random::new(seed),
        strikes: Random::new(!seed),
        once_in: arguments::number("strikes", 0) as usize,
        struck: 0,
        sum: 0,
    };
    for number in 1..=count {
        run.step(&mut database);
        if number % PRINTED_EVERY == 0 || number == count {
            println!("statements {number}: {:016x}", run.sum);
        }
    }
    // Reading changes a connection, and dropping it too.
    let whole = protected(|| database.read_all());
    protected(|| drop(database));
    println!("statements end: {whole}");
    let counted = statistics();
    println!("mode {} {counted:?}", mode().name());
    println!("struck {}, detected {}", run.struck, counted.faults);
    assert_eq!(run.struck, counted.faults);
    let runs_per_handler = if mode() == Mode::Plain { 1 } else { 2 };
    assert!(counted.runs >= runs_per_handler * count);
}

/// Where the sequence is, and what came of it.
struct Run {
    statements: Random,
    strikes: Random,
    once_in: usize,
    struck: u64,
    sum: u64,
}

impl Run {
    /// One statement. A message that was dropped is sent again.
    fn step(&mut self, database: &mut Database) {
        let statement = Statement::random(&mut self.statements);
        let is_struck = self.once_in > 0 && self.strikes.once_in(self.once_in);
        let strike = is_struck.then(|| Strike::random(&mut self.strikes));
        let mut reply = execute(database, &statement, strike);
        if let Some(strike) = strike {
            self.struck += 1;
            assert_eq!(
                reply.is_err(),
                strike::on_fault() == OnFault::Drop,
                "{strike:?}"
            );
            if reply.is_err() {
                reply = execute(database, &statement, None);
            }
        }
        let reply = reply.expect("nothing was struck");
        self.sum = self.sum.rotate_left(1) ^ reply.digest();
    }
}

fn execute(
    database: &mut Database,
    statement: &Statement,
    strike: Option<Strike>,
) -> Result<Reply, Fault> {
    unseen::start_counting();
    handle(database, statement, strike)
}

#[asc_handler]
fn handle(
    database: &mut Database,
    statement: &Statement,
    strike: Option<Strike>,
) -> Result<Reply, Fault> {
    let run = unseen::count_run();
    if let Some(strike) = strike {
        strike.before(run);
    }
    let reply = database.execute(statement);
    if let Some(strike) = strike {
        strike.after(run);
    }
    Ok(reply)
}
