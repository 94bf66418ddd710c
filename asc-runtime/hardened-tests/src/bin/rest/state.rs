//! Protected state, and the handlers that read and write it.

use std::arch::asm;
use std::sync::atomic::Ordering::Relaxed;

use asc_alloc::lines::Lines;
use asc_hardened_tests::random::Random;
use asc_runtime::{Output, asc_handler, protected};

/// Words of the state: some lines of every length.
pub(crate) const WORDS: usize = 4096;

/// The state.
pub(crate) struct State {
    pub(crate) words: Box<[u64; WORDS]>,
}

impl State {
    /// Random words on the protected heap.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut words = protected(|| Box::new([0; WORDS]));
        words.iter_mut().for_each(|word| *word = random.word());
        Self { words }
    }

    /// Says a word, and the sum of its neighbours.
    #[asc_handler]
    pub(crate) fn read(&self, index: usize, output: &mut Output) {
        let sum = self.words[index..]
            .iter()
            .take(4)
            .fold(0, |sum: u64, &word| sum.wrapping_add(word));
        output.write(&self.words[index].to_le_bytes());
        output.write(&sum.to_le_bytes());
    }

    /// Writes a word without reading anything.
    #[asc_handler]
    pub(crate) fn write(&mut self, index: usize, value: u64) {
        self.words[index] = value;
    }

    pub(crate) fn address(&self, index: usize) -> usize {
        (&raw const self.words[index]).expose_provenance()
    }

    /// What `read` must say.
    pub(crate) fn expected(&self, index: usize) -> [u64; 2] {
        let sum = self.words[index..]
            .iter()
            .take(4)
            .fold(0, |sum: u64, &word| sum.wrapping_add(word));
        [self.words[index], sum]
    }
}

/// What `read` said.
pub(crate) fn said(output: &mut Output) -> [u64; 2] {
    let bytes = output.bytes();
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("two words"));
    let said = [word(0), word(8)];
    output.clear();
    said
}

/// The codes.
pub(crate) fn lines() -> &'static Lines {
    Lines::get().expect("protected state was allocated")
}

/// Flips bits of a byte, unseen: no hook stands in inline assembly.
#[inline(never)]
pub(crate) fn flip(address: usize, bits: u8) {
    // SAFETY: a byte of the live state.
    unsafe {
        asm!("xor byte ptr [{address}], {bits}", address = in(reg) address, bits = in(reg_byte) bits, options(nostack));
    }
}

/// Flips a bit of a line: those of its bytes first, then those of its code.
pub(crate) fn flip_bit(line: usize, bit: usize) {
    let bytes = lines().line_bytes();
    if bit < bytes * 8 {
        flip(lines().address_of(line) + bit / 8, 1 << (bit % 8));
    } else {
        lines()
            .stored(line)
            .fetch_xor(1 << (bit - bytes * 8), Relaxed);
    }
}

/// Whether every line of the state agrees with its code.
pub(crate) fn all_agree(state: &State) -> bool {
    let first = lines().line_of(state.address(0)).expect("protected");
    let last = lines()
        .line_of(state.address(WORDS - 1))
        .expect("protected");
    (first..=last).all(|line| lines().agrees(line))
}
