//! One strike: where, when and what.

use std::cell::Cell;

use asc_hardened_tests::unseen::flip;
use asc_runtime::fault_points::{Next, Piece, Point, install};

/// Every point, in the order of a handler's life.
pub(crate) const POINTS: [Point; 5] = [
    Point::FirstRun,
    Point::Captured,
    Point::RolledBack,
    Point::SecondRun,
    Point::Compared,
];

/// Of larger pieces only the beginning is struck.
const PIECE_BYTES_MAX: usize = 4096;

/// What happens at a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Damage {
    /// Bits of one byte flip. The piece is named by its place in the list.
    Flip {
        piece: usize,
        offset: usize,
        bits: u8,
    },
    /// The next stage is jumped over.
    Skip,
}

thread_local! {
    static ARMED: Cell<Option<(Point, Damage)>> = const { Cell::new(None) };
    static SURVEY: Cell<Option<Survey>> = const { Cell::new(None) };
}

/// Sees the pieces at each point.
type Survey = fn(Point, &[Piece]);

/// Strikes the next time that `point` is reached.
pub(crate) fn arm(point: Point, damage: Damage) {
    ARMED.set(Some((point, damage)));
    install(reached);
}

/// Shows the pieces instead of striking.
pub(crate) fn survey(look: Survey) {
    SURVEY.set(Some(look));
    install(reached);
}

/// Ends a survey.
pub(crate) fn end_survey() {
    SURVEY.set(None);
}

fn reached(point: Point, pieces: &[Piece]) -> Next {
    if let Some(look) = SURVEY.get() {
        look(point, pieces);
    }
    let Some((wanted, damage)) = ARMED.get() else {
        return Next::Stage;
    };
    if wanted != point {
        return Next::Stage;
    }
    ARMED.set(None);
    match damage {
        Damage::Skip => Next::Skip,
        Damage::Flip {
            piece,
            offset,
            bits,
        } => {
            if let Some(piece) = pieces.get(piece) {
                // SAFETY: inside a piece, which is mapped and writable.
                unsafe {
                    flip(
                        std::ptr::with_exposed_provenance_mut(piece.address + offset),
                        bits,
                    )
                };
            }
            Next::Stage
        }
    }
}

/// The bytes of a piece that are in use: up to the last one that is not zero.
pub(crate) fn used(piece: &Piece) -> usize {
    let length = piece.length.min(PIECE_BYTES_MAX);
    // SAFETY: a piece is mapped and readable.
    let bytes = unsafe {
        std::slice::from_raw_parts(
            std::ptr::with_exposed_provenance::<u8>(piece.address),
            length,
        )
    };
    bytes
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last + 1)
}
