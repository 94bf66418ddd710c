//! A bit that flips in what SQLite's C code has, in one of the runs.

use std::slice;

use asc_hardened_tests::random::Random;
use asc_hardened_tests::unseen::flip;
use asc_runtime::OnFault;

use crate::heap::blocks;
use crate::statement::MARK;

/// Bytes behind a mark of which one is struck.
const REACH_BYTES: usize = 12;

/// One flipped bit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strike {
    /// Before the statement: a bit of a row, on its page of the database, which SQLite then reads. After
    /// it: any bit of SQLite's heap.
    is_before: bool,
    run: u64,
    random: u64,
}

/// The policy of the process.
pub(crate) fn on_fault() -> OnFault {
    std::env::var("ASC_ON_FAULT").map_or(OnFault::Abort, |text| text.parse().expect("a policy"))
}

impl Strike {
    pub(crate) fn random(random: &mut Random) -> Self {
        Self {
            is_before: random.once_in(3),
            run: random.below(2) as u64 + 1,
            random: random.word(),
        }
    }

    /// Both runs look for the place; one is struck.
    pub(crate) fn before(self, run: u64) {
        if self.is_before {
            self.strike(run, self.place_in_a_row());
        }
    }

    pub(crate) fn after(self, run: u64) {
        if !self.is_before {
            self.strike(run, self.place_on_the_heap());
        }
    }

    fn strike(self, run: u64, place: *mut u8) {
        if run == self.run {
            // SAFETY: a byte of a live block.
            unsafe { flip(place, 1 << (self.random >> 61)) };
        }
    }

    fn place_in_a_row(self) -> *mut u8 {
        let mut random = Random::new(self.random);
        let marks = || {
            blocks().flat_map(|(block, bytes)| {
                // SAFETY: a live block, which nobody writes to meanwhile.
                let content = unsafe { slice::from_raw_parts(block, bytes) };
                let starts = content.windows(MARK.len() + REACH_BYTES).enumerate();
                starts
                    .filter(|(_, bytes)| bytes.starts_with(&MARK))
                    .map(move |(start, _)| block.wrapping_add(start + MARK.len()))
            })
        };
        let chosen = random.below(marks().count());
        let mark = marks().nth(chosen).expect("one of those that were counted");
        mark.wrapping_add(random.below(REACH_BYTES))
    }

    fn place_on_the_heap(self) -> *mut u8 {
        let mut random = Random::new(self.random);
        let all = blocks().map(|(_, bytes)| bytes).sum();
        let mut offset = random.below(all);
        for (block, bytes) in blocks() {
            if offset < bytes {
                return block.wrapping_add(offset);
            }
            offset -= bytes;
        }
        panic!("the blocks have changed");
    }
}
