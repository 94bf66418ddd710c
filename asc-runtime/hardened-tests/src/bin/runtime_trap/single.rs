//! Single faults with a known outcome.

use std::process::exit;

use asc_runtime::fault_points::{Piece, Point};

use crate::strike::{self, Damage};
use crate::victim::{self, HANDLERS};

/// Exit status for an unknown fault.
const EXIT_USAGE: i32 = 2;

/// One fault: after which stage, and what.
pub(crate) struct Single {
    pub(crate) name: &'static str,
    point: Point,
    strike: Strike,
}

enum Strike {
    Skip,
    /// The piece by name, and the byte in it.
    Flip(&'static str, usize),
}

const fn skip(name: &'static str, point: Point) -> Single {
    Single {
        name,
        point,
        strike: Strike::Skip,
    }
}

const fn flip(name: &'static str, point: Point, piece: &'static str, offset: usize) -> Single {
    Single {
        name,
        point,
        strike: Strike::Flip(piece, offset),
    }
}

/// Bytes of an undo entry: address, length, old value, new value, 8 each.
const ENTRY_OLD: usize = 16;
const ENTRY_NEW: usize = 24;
/// Second word of an event: its first operand.
const EVENT_OPERAND: usize = 8;
/// Behind the answer of the victim's clock lie the counts of its effect.
const EFFECT_PAYLOAD: usize = 16 + 8;
/// An output's bytes begin behind its header; the victim's third handler writes behind 28 others.
const OUTPUT_NEWEST_BYTE: usize = 128 + 30;

/// The faults.
pub(crate) const FAULTS: &[Single] = &[
    skip("capture_skipped", Point::FirstRun),
    skip("rollback_skipped", Point::Captured),
    skip("second_run_skipped", Point::RolledBack),
    skip("comparison_skipped", Point::SecondRun),
    skip("commit_skipped", Point::Compared),
    flip("logged_address", Point::FirstRun, "undo entries", 0),
    flip(
        "logged_old_value",
        Point::FirstRun,
        "undo entries",
        ENTRY_OLD,
    ),
    flip(
        "recorded_result",
        Point::Captured,
        "undo entries",
        ENTRY_NEW,
    ),
    flip(
        "recorded_result_after_rollback",
        Point::RolledBack,
        "undo entries",
        ENTRY_NEW,
    ),
    flip("recorded_event", Point::Captured, "events", EVENT_OPERAND),
    flip(
        "recorded_event_before_commit",
        Point::Compared,
        "events",
        EVENT_OPERAND,
    ),
    flip(
        "recorded_effect",
        Point::RolledBack,
        "event arena",
        EFFECT_PAYLOAD,
    ),
    flip("captured_argument", Point::SecondRun, "arguments", 0),
    flip("saved_block", Point::Captured, "block arena", 1),
    flip(
        "recorded_output",
        Point::Captured,
        "output",
        OUTPUT_NEWEST_BYTE,
    ),
];

/// Strikes the victim's middle handler.
pub(crate) fn run(name: &str) {
    let Some(fault) = FAULTS.iter().find(|fault| fault.name == name) else {
        eprintln!("no fault is called `{name}`: see `runtime_trap list`");
        exit(EXIT_USAGE)
    };
    // Learns the depth of the stack and where the pieces are.
    let expected = victim::run(|_| ());
    // This runs a victim too, so it cannot wait for the strike.
    let damage = damage(fault);
    println!("before");
    let found = victim::run(|number| {
        if number == HANDLERS / 2 {
            strike::arm(fault.point, damage);
        }
    });
    println!(
        "after: {}",
        if found == expected {
            "harmless"
        } else {
            "wrong"
        }
    );
}

fn damage(fault: &Single) -> Damage {
    match fault.strike {
        Strike::Skip => Damage::Skip,
        Strike::Flip(name, offset) => Damage::Flip {
            piece: index(name),
            offset,
            bits: 4,
        },
    }
}

/// The place of a piece in the list, which is the same at every point.
fn index(name: &str) -> usize {
    thread_local! {
        static NAMES: std::cell::RefCell<Vec<&'static str>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    fn look(_point: Point, pieces: &[Piece]) {
        NAMES.set(pieces.iter().map(|piece| piece.name).collect());
    }
    strike::survey(look);
    victim::run(|_| ());
    strike::end_survey();
    NAMES
        .with_borrow(|names| names.iter().position(|found| *found == name))
        .unwrap_or(usize::MAX)
}
