//! Handlers of every shape, called from inside a handler and from each other.

use std::fmt::Display;
use std::ops::AddAssign;

use asc_hardened_tests::digest::digest;
use asc_hardened_tests::random::Random;
use asc_runtime::asc_handler;

use crate::subject::{Place, Subject};

const LENGTH_MAX: usize = 60;

/// Handlers within handlers.
pub(crate) struct Nested {
    words: Vec<u64>,
    text: String,
    log: std::cell::RefCell<Vec<u16>>,
}

impl Subject for Nested {
    const NAME: &'static str = "nested";
    const CALLS_HANDLERS: bool = true;

    fn new(_place: Place) -> Self {
        Self {
            words: Vec::new(),
            text: String::new(),
            log: Default::default(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let word = random.word();
        match random.below(8) {
            0 => add(&mut self.words, word),
            1 => self.append(&word, 3),
            2 => self.note(word as u16),
            3 => self.text = by_value(self.text.clone(), vec![word as u8; 5]),
            4 => each(&mut self.words, |value| *value ^= word),
            5 => {
                let Reply { bytes, total } = reply(&self.words);
                self.text.push_str(&total.to_string());
                self.words.push(bytes[4].into());
            }
            6 => return results_of_every_size(word),
            _ => return fallible(word).unwrap_or_else(|text| digest(&text)),
        }
        if self.words.len() > LENGTH_MAX {
            self.words.clear();
        }
        self.text.truncate(LENGTH_MAX);
        self.words
            .iter()
            .fold(0, |sum: u64, word| sum.wrapping_add(*word))
    }

    fn digest(&self) -> u64 {
        digest(&(&self.words, &self.text, &*self.log.borrow()))
    }
}

impl Nested {
    #[asc_handler]
    fn append(&mut self, value: &impl Display, times: usize) {
        for _ in 0..times {
            self.text.push_str(&value.to_string());
            add(&mut self.words, self.text.len() as u64);
        }
    }

    #[asc_handler]
    fn note(&self, value: u16) {
        let mut log = self.log.borrow_mut();
        log.push(value);
        log.truncate(LENGTH_MAX);
    }
}

#[asc_handler]
fn add<T: AddAssign + Copy>(values: &mut Vec<T>, value: T) {
    values.push(value);
    let first = values[0];
    if values.len() > LENGTH_MAX {
        values.truncate(1);
    }
    if let Some(last) = values.last_mut() {
        *last = first;
    }
}

#[asc_handler]
fn by_value(mut text: String, bytes: Vec<u8>) -> String {
    text.extend(bytes.into_iter().map(|byte| char::from(byte % 64 + 32)));
    text
}

#[asc_handler]
fn each(words: &mut [u64], mut change: impl FnMut(&mut u64) + Clone) {
    words.iter_mut().for_each(&mut change);
}

/// A result that is returned through memory.
#[derive(Debug, Clone)]
struct Reply {
    bytes: [u8; 47],
    total: u128,
}

#[asc_handler]
fn reply(words: &[u64]) -> Reply {
    let total = words.iter().map(|&word| u128::from(word)).sum();
    Reply {
        bytes: [words.len() as u8; 47],
        total,
    }
}

/// Results below, at and beyond what the engine's slot for results takes, and one that is aligned
/// more strictly than it.
fn results_of_every_size(word: u64) -> u64 {
    #[asc_handler]
    fn sized<const BYTES: usize>(word: u64) -> [u8; BYTES] {
        std::array::from_fn(|at| (word >> (at % 8)) as u8)
    }
    #[derive(Clone)]
    #[repr(align(64))]
    struct Aligned(u64);
    #[asc_handler]
    fn aligned(word: u64) -> Aligned {
        Aligned(word)
    }
    let Aligned(echo) = aligned(word);
    digest(&(
        echo,
        sized::<0>(word),
        sized::<1>(word),
        sized::<7>(word),
        sized::<31>(word),
        (sized::<255>(word).as_slice(), sized::<256>(word).as_slice()),
        sized::<257>(word).as_slice(),
    ))
}

#[asc_handler]
fn fallible(word: u64) -> Result<u64, String> {
    if word.is_multiple_of(3) {
        Err(format!("{word} is divisible"))
    } else {
        Ok(word / 3)
    }
}

/// Handlers that use far more stack than most.
pub(crate) struct Deep {
    words: Vec<u64>,
    kept: Option<Box<Padded>>,
}

impl Subject for Deep {
    const NAME: &'static str = "deep";

    fn new(_place: Place) -> Self {
        Self {
            words: vec![0; 8],
            kept: None,
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let word = random.word();
        match random.below(5) {
            0 => self.recurse(random.below(200), word),
            4 => self.padded_from_below(word),
            1 => self.recurse(3, word),
            2 => self.large_frame(word),
            _ => self.boxed_from_stack(word),
        }
    }

    fn digest(&self) -> u64 {
        digest(&(
            &self.words,
            self.kept.as_ref().map(|padded| (padded.byte, padded.word)),
        ))
    }
}

impl Deep {
    fn recurse(&mut self, depth: usize, word: u64) -> u64 {
        let padded: [Option<(u8, u64)>; 9] = std::array::from_fn(|index| {
            (word >> index & 1 == 1).then_some((index as u8, word.rotate_left(index as u32)))
        });
        self.words[depth % 8] ^= padded
            .iter()
            .flatten()
            .map(|pair| pair.1)
            .fold(0, |a, b| a ^ b);
        if depth == 0 {
            return word;
        }
        let below = self.recurse(depth - 1, word.wrapping_mul(31));
        below ^ padded[depth % 9].map_or(1, |pair| u64::from(pair.0))
    }

    #[inline(never)]
    fn large_frame(&mut self, word: u64) -> u64 {
        let mut frame = [0_u64; 4096];
        for (index, slot) in frame.iter_mut().enumerate() {
            *slot = word.wrapping_mul(index as u64);
        }
        frame.sort_unstable();
        self.words[word as usize % 8] = frame[word as usize % 4096];
        frame[7]
    }

    /// Copies padding from the stack to the heap.
    #[inline(never)]
    fn boxed_from_stack(&mut self, word: u64) -> u64 {
        let values: [Option<(u8, u32)>; 600] = std::array::from_fn(|index| {
            (index as u64 & word != 0).then_some((index as u8, word as u32))
        });
        let boxed = Box::new(values);
        self.words[0] = boxed.iter().flatten().count() as u64;
        self.words[0]
    }

    /// Takes a padded value from a deep frame that no hook has seen.
    fn padded_from_below(&mut self, word: u64) -> u64 {
        let padded = Box::new(padded_in_deep_frame(word));
        self.words[1] = u64::from(padded.word) + u64::from(padded.short);
        self.kept = Some(padded);
        self.words[1]
    }
}

/// Small enough for a register, with a byte of padding.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
struct Padded {
    byte: u8,
    short: u16,
    word: u32,
}

#[inline(never)]
fn padded_in_deep_frame(word: u64) -> Padded {
    let frame = std::hint::black_box([word; 900]);
    let padded = Padded {
        byte: frame[7] as u8,
        short: word as u16,
        word: frame[8] as u32,
    };
    std::hint::black_box(&padded);
    padded
}
