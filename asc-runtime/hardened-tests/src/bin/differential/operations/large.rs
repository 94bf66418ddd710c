//! Many allocations, large ones, and reallocations beyond a mebibyte.

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, realloc};

use asc_hardened_tests::digest::digest;
use asc_hardened_tests::random::Random;

use crate::subject::{Place, Subject};

const LARGE_BYTES: usize = 3 << 19;
/// One step in so many is a large one.
const LARGE_PERIOD: usize = 40;

/// Blocks of all sizes.
pub(crate) struct Large {
    bytes: Vec<u8>,
    #[expect(clippy::vec_box, reason = "the boxes are what is tested")]
    boxes: Vec<Box<[u64; 9]>>,
}

impl Subject for Large {
    const NAME: &'static str = "large";

    fn new(_place: Place) -> Self {
        Self {
            bytes: Vec::new(),
            boxes: Vec::new(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let byte = random.byte();
        if random.once_in(LARGE_PERIOD) {
            return self.grow(byte, &mut random);
        }
        match random.below(6) {
            0 => self
                .boxes
                .extend((0..u64::from(byte)).map(|word| Box::new([word; 9]))),
            1 => self.boxes.retain(|boxed| boxed[3] % 2 == 0),
            2 => return digest(&vec![0_u16; usize::from(byte) * 9]),
            3 => return raw_blocks(usize::from(byte) + 1, 1 << (byte % 13)),
            4 => {
                return (0..600)
                    .map(|word: u64| word.to_string())
                    .collect::<String>()
                    .len() as u64;
            }
            _ => {
                let nested: Vec<Vec<u8>> = (0..60).map(|size| vec![byte; size]).collect();
                return digest(&nested.concat());
            }
        }
        self.boxes.truncate(500);
        self.boxes.len() as u64
    }

    fn digest(&self) -> u64 {
        digest(&(&self.bytes, &self.boxes))
    }
}

impl Large {
    fn grow(&mut self, byte: u8, random: &mut Random) -> u64 {
        match random.below(5) {
            0 => self.bytes.resize(LARGE_BYTES, byte),
            1 => self.bytes.extend_from_slice(&vec![byte; LARGE_BYTES]),
            2 => self.bytes.truncate(LARGE_BYTES / 2),
            3 => self.bytes.shrink_to_fit(),
            _ => self.bytes = Vec::new(),
        }
        if self.bytes.len() > 3 * LARGE_BYTES {
            self.bytes.clear();
        }
        self.bytes
            .iter()
            .step_by(4096)
            .map(|&byte| u64::from(byte))
            .sum()
    }
}

/// The allocator's four functions with any alignment.
#[expect(
    clippy::multiple_unsafe_ops_per_block,
    reason = "one proof covers them: live blocks and their layouts"
)]
fn raw_blocks(size: usize, alignment: usize) -> u64 {
    let layout = Layout::from_size_align(size, alignment).expect("a valid layout");
    // SAFETY: sizes are not 0, blocks are checked and freed with their last layout, and only
    // initialised bytes are read.
    unsafe {
        let (plain, zeroed) = (alloc(layout), alloc_zeroed(layout));
        assert!(!plain.is_null() && !zeroed.is_null());
        plain.write_bytes(7, size);
        let grown = realloc(plain, layout, size * 3);
        assert!(!grown.is_null() && grown.addr().is_multiple_of(alignment));
        let sum = u64::from(grown.add(size - 1).read()) + u64::from(zeroed.add(size / 2).read());
        dealloc(
            grown,
            Layout::from_size_align_unchecked(size * 3, alignment),
        );
        dealloc(zeroed, layout);
        sum
    }
}
