//! Protected state with pages in every condition.

use asc_hardened_tests::page_mode::protected;
use asc_hardened_tests::random::Random;
use asc_runtime::asc_handler;

/// Words of a page.
const PAGE_WORDS: usize = 512;
const PAGES: usize = 256;
/// Pages that every handler writes.
const HOT_PAGES: usize = 16;
const NODES: usize = 5_000;
const HANDLERS: usize = 60;

/// A table and many small blocks.
pub(crate) struct State {
    table: Vec<u64>,
    nodes: Vec<Vec<u64>>,
    /// Where a block was that has been freed.
    freed: *mut u64,
    /// What a handler has allocated and returned.
    returned: Vec<u64>,
}

/// In which condition the memory is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// Written by the last handlers.
    Hot,
    /// Written once, long ago.
    Cold,
    /// Never written since it was allocated.
    Fresh,
    /// A small block among others.
    Small,
    /// Freed.
    Free,
    /// Handed out by a handler.
    Returned,
}

const PLACES: [Place; 6] = [
    Place::Hot,
    Place::Cold,
    Place::Fresh,
    Place::Small,
    Place::Free,
    Place::Returned,
];

impl Place {
    pub(crate) const fn of(number: u64) -> Self {
        PLACES[number as usize % PLACES.len()]
    }
}

impl State {
    pub(crate) fn new() -> Self {
        let mut state = protected(|| Self {
            table: vec![0; PAGES * PAGE_WORDS],
            nodes: (0..NODES).map(|_| vec![1; 12]).collect(),
            freed: std::ptr::null_mut(),
            returned: Vec::new(),
        });
        for number in 0..HANDLERS {
            change(&mut state.table, number);
        }
        state.returned = allocate();
        let mut freed = protected(|| vec![1_u64; 700]);
        state.freed = freed.as_mut_ptr();
        protected(|| drop(freed));
        state
    }

    /// A word of it.
    pub(crate) fn word(&mut self, place: Place, random: &mut Random) -> *mut u64 {
        let within = random.below(PAGE_WORDS);
        let page = match place {
            Place::Hot => random.below(HOT_PAGES),
            Place::Cold => HOT_PAGES + random.below(HANDLERS),
            Place::Fresh => HOT_PAGES + HANDLERS + random.below(PAGES - HOT_PAGES - HANDLERS),
            Place::Small => {
                let node = random.below(NODES);
                return &raw mut self.nodes[node][random.below(12)];
            }
            Place::Free => return self.freed.wrapping_add(random.below(600)),
            Place::Returned => {
                let word = random.below(self.returned.len());
                return &raw mut self.returned[word];
            }
        };
        &raw mut self.table[page * PAGE_WORDS + within]
    }
}

#[asc_handler]
fn change(table: &mut [u64], number: usize) {
    for page in (0..HOT_PAGES).chain([HOT_PAGES + number]) {
        table[page * PAGE_WORDS] += 1;
    }
}

#[asc_handler]
fn allocate() -> Vec<u64> {
    vec![7; 2_000]
}
