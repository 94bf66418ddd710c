//! Random statements: what a bank asks its database.

use asc_hardened_tests::random::Random;

const NAMES: usize = 150;
/// Each note begins with it, and has more.
pub(crate) const MARK: [u8; 8] = *b"a note: ";
const NOTE_BYTES_MIN: usize = 20;
/// Longer than a page of the database: a part of the rows overflows.
const NOTE_BYTES_MAX: usize = 6_000;

/// One message to the database.
#[derive(Debug, Clone)]
pub(crate) enum Statement {
    /// A row, or an error when the name is taken.
    Open {
        name: String,
        balance: i64,
        note: Vec<u8>,
    },
    /// A transaction, rolled back when there is not enough.
    Transfer {
        from: String,
        to: String,
        amount: i64,
    },
    /// An upsert.
    Note {
        name: String,
        note: Vec<u8>,
    },
    Close {
        name: String,
    },
    Find {
        name: String,
    },
    /// By an index, in order.
    Richest {
        limit: i64,
    },
    /// A join with groups, over a sorter and temporary tables.
    Totals {
        modulus: i64,
    },
    /// Everything of the journal below a number.
    Forget {
        modulus: i64,
    },
    Check,
}

impl Statement {
    pub(crate) fn random(random: &mut Random) -> Self {
        let name = |random: &mut Random| format!("account {}", random.below(NAMES));
        match random.below(40) {
            0..8 => Self::Open {
                name: name(random),
                balance: random.below(1_000) as i64,
                note: note(random),
            },
            8..20 => Self::Transfer {
                from: name(random),
                to: name(random),
                amount: random.below(300) as i64,
            },
            20..26 => Self::Note {
                name: name(random),
                note: note(random),
            },
            26..29 => Self::Close { name: name(random) },
            29..35 => Self::Find { name: name(random) },
            35 | 36 => Self::Richest {
                limit: random.below(20) as i64,
            },
            37 => Self::Totals {
                modulus: random.below(9) as i64 + 1,
            },
            38 => Self::Forget {
                modulus: random.below(5) as i64 + 2,
            },
            _ => Self::Check,
        }
    }
}

fn note(random: &mut Random) -> Vec<u8> {
    // Most notes are short.
    let length = NOTE_BYTES_MIN + (random.below(NOTE_BYTES_MAX) >> (2 * random.below(4)));
    let bytes = (0..length).map(|_| random.byte());
    MARK.into_iter().chain(bytes).collect()
}
