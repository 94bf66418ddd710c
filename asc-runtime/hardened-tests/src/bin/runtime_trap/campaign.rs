//! Bit flips all over the runtime's own memory, one per forked child.
//!
//! 1. A healthy victim shows the pieces at each point and gives the expected result.
//! 2. Each child flips one bit at one point of the middle handler and goes on.
//! 3. It is detected (86), refused (87), noticed by the receiver of the reply, a crash, a hang,
//!    harmless, or a wrong result that nobody noticed, which fails the campaign.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::process::ExitCode;

use asc_hardened_tests::random::Random;
use asc_runtime::fault_points::{Piece, Point};
use asc_runtime::{EXIT_FAULT, EXIT_REFUSED};

use crate::strike::{self, Damage, POINTS};
use crate::victim::{self, HANDLERS};

const EXIT_WRONG: i32 = 99;
const EXIT_NOTICED: i32 = 98;
/// Seconds after which a child hangs.
const HANG_SECONDS: u32 = 1;
/// Wrong results that are described.
const EXAMPLES_MAX: usize = 40;

/// A piece as a target.
#[derive(Debug, Clone, Copy)]
struct Target {
    point: Point,
    piece: usize,
    name: &'static str,
    used: usize,
}

thread_local! {
    static TARGETS: RefCell<Vec<Target>> = const { RefCell::new(Vec::new()) };
}

/// Flips `flips` bits; fails if one of them goes unnoticed and matters.
pub(crate) fn run(seed: u64, flips: u64) -> ExitCode {
    println!("campaign seed={seed} flips={flips}");
    let expected = victim::run(|_| ());
    strike::survey(look);
    assert_eq!(victim::run(|_| ()), expected, "the victim is deterministic");
    strike::end_survey();
    let targets = TARGETS.take();
    let mut random = Random::new(seed);
    let mut table: BTreeMap<(usize, &str), BTreeMap<&str, u32>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for _ in 0..flips {
        let target = targets[random.below(targets.len())];
        let (offset, bits) = (random.below(target.used), 1 << random.below(8));
        let outcome = child(target, offset, bits, expected);
        let row = POINTS
            .iter()
            .position(|point| *point == target.point)
            .unwrap_or(0);
        *table
            .entry((row, target.name))
            .or_default()
            .entry(outcome)
            .or_default() += 1;
        if outcome == "WRONG" {
            wrong.push((target, offset, bits));
        }
    }
    for ((row, name), outcomes) in &table {
        println!("{:?} {name}: {outcomes:?}", POINTS[*row]);
    }
    wrong.sort_by_key(|(target, offset, _)| (format!("{:?}", target.point), target.name, *offset));
    for (target, offset, bits) in wrong.iter().take(EXAMPLES_MAX) {
        println!(
            "unnoticed: after {:?}, {} byte {offset} bits {bits:#x}",
            target.point, target.name
        );
    }
    println!("{} unnoticed of {flips}", wrong.len());
    if wrong.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Notes what is in use at each point of the middle handler; later handlers overwrite earlier ones.
fn look(point: Point, pieces: &[Piece]) {
    TARGETS.with_borrow_mut(|targets| {
        targets.retain(|target| target.point != point);
        for (piece, found) in pieces.iter().enumerate() {
            let used = strike::used(found);
            if used > 0 {
                targets.push(Target {
                    point,
                    piece,
                    name: found.name,
                    used,
                });
            }
        }
    });
}

fn child(target: Target, offset: usize, bits: u8, expected: Option<u64>) -> &'static str {
    // SAFETY: this process has one thread.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork failed");
    if child == 0 {
        suffer(target, offset, bits, expected);
    }
    let mut status = 0;
    // SAFETY: waits for the child above and writes to a local.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    if libc::WIFSIGNALED(status) {
        return if libc::WTERMSIG(status) == libc::SIGALRM {
            "hang"
        } else {
            "crash"
        };
    }
    match libc::WEXITSTATUS(status) {
        0 => "harmless",
        EXIT_FAULT => "detected",
        EXIT_REFUSED => "refused",
        EXIT_NOTICED => "noticed by the receiver",
        EXIT_WRONG => "WRONG",
        _ => "crash",
    }
}

/// The child's life.
fn suffer(target: Target, offset: usize, bits: u8, expected: Option<u64>) -> ! {
    // SAFETY: the child's own descriptor.
    unsafe { libc::close(libc::STDERR_FILENO) };
    // SAFETY: the child's own timer.
    unsafe { libc::alarm(HANG_SECONDS) };
    let found = victim::run(|number| {
        if number == HANDLERS / 2 {
            strike::arm(
                target.point,
                Damage::Flip {
                    piece: target.piece,
                    offset,
                    bits,
                },
            );
        }
    });
    let status = match found {
        None => EXIT_NOTICED,
        found if found == expected => 0,
        Some(_) => EXIT_WRONG,
    };
    // SAFETY: ends the child without the parent's exit handlers.
    unsafe { libc::_exit(status) }
}
