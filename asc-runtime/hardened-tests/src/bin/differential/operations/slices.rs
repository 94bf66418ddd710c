//! `Vec` edits and slice algorithms.

use asc_hardened_tests::digest::digest;
use asc_hardened_tests::random::Random;

use crate::subject::{Place, Subject};

const LENGTH_MAX: usize = 300;

/// Sorting, rotating, copying within one slice of words.
pub(crate) struct Slices {
    words: Vec<u64>,
    bytes: Vec<u8>,
}

impl Subject for Slices {
    const NAME: &'static str = "slices";

    fn new(_place: Place) -> Self {
        Self {
            words: vec![3, 1, 2],
            bytes: b"some bytes to begin with".to_vec(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        if self.words.len() < 20 {
            self.words
                .extend((0..random.below(LENGTH_MAX)).map(|index| index as u64 * 7919 % 1000));
        }
        let (words, bytes) = (&mut self.words, &mut self.bytes);
        let middle = random.below(words.len());
        match random.below(16) {
            0 => words.sort(),
            1 => words.sort_unstable_by(|left, right| right.cmp(left)),
            2 => words.sort_by_key(|word| word % 10),
            3 => words.sort_by_cached_key(|word| word.to_string()),
            4 => words.rotate_left(middle),
            5 => words.reverse(),
            6 => drop(words.select_nth_unstable(middle)),
            7 => words.copy_within(middle.., 0),
            8 => words[..middle].fill(7),
            9 => words.swap(0, middle),
            10 => {
                let middle = bytes.len() / 2;
                let (left, right) = bytes.split_at_mut(middle);
                let length = left.len().min(right.len());
                left[..length].swap_with_slice(&mut right[..length]);
            }
            11 => bytes.copy_within(1..9, 3),
            12 => bytes.chunks_mut(5).for_each(|chunk| chunk.reverse()),
            13 => bytes
                .iter_mut()
                .zip(b"xyz".iter().cycle())
                .for_each(|(byte, mask)| *byte ^= mask),
            14 => bytes.fill_with(|| 9),
            _ => bytes.extend_from_slice(&words[middle].to_le_bytes()),
        }
        bytes.truncate(LENGTH_MAX);
        words
            .iter()
            .step_by(3)
            .zip(words.windows(2))
            .map(|(word, pair)| word ^ pair[1])
            .sum()
    }

    fn digest(&self) -> u64 {
        digest(&(&self.words, &self.bytes))
    }
}

/// Growing, shrinking and editing vectors of several element sizes.
pub(crate) struct Vectors {
    triples: Vec<[u8; 3]>,
    options: Vec<Option<(u8, u64)>>,
    texts: Vec<String>,
}

impl Subject for Vectors {
    const NAME: &'static str = "vectors";

    fn new(_place: Place) -> Self {
        Self {
            triples: Vec::new(),
            options: Vec::new(),
            texts: Vec::new(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let byte = random.byte();
        match random.below(15) {
            0 => self.triples.push([byte, 2, 3]),
            1 => self
                .triples
                .insert(random.below(self.triples.len() + 1), [0, byte, 9]),
            2 => self.triples.extend_from_within(..self.triples.len() / 3),
            3 => self.triples.dedup(),
            4 => drop(self.triples.drain(..self.triples.len() / 4)),
            5 => self.triples.retain_mut(|triple| {
                triple[0] |= 1;
                triple[1] != 2 || triple[2] > 1
            }),
            6 => self
                .options
                .push(byte.is_multiple_of(2).then_some((byte, random.word()))),
            7 => self
                .options
                .resize(random.below(LENGTH_MAX), Some((byte, 1))),
            8 => self
                .options
                .dedup_by_key(|option| option.map(|pair| pair.0)),
            9 => drop(
                self.options
                    .splice(..self.options.len() / 2, [None, Some((byte, 2))]),
            ),
            10 => self.texts.push(format!("{byte:?} {}", self.texts.len())),
            11 if !self.texts.is_empty() => {
                drop(self.texts.swap_remove(random.below(self.texts.len())))
            }
            12 => self.texts.sort(),
            13 => self.texts = self.texts.drain(..).rev().map(|text| text + "!").collect(),
            _ => self.triples.shrink_to_fit(),
        }
        self.triples.truncate(LENGTH_MAX);
        self.texts.truncate(LENGTH_MAX / 10);
        digest(&(self.triples.last(), self.options.first(), self.texts.last()))
    }

    fn digest(&self) -> u64 {
        digest(&(&self.triples, &self.options, &self.texts))
    }
}
