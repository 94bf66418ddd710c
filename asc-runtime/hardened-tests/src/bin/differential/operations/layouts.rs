//! Odd sizes, padding, packing and moves of whole values.

use std::mem;

use asc_hardened_tests::digest::digest;
use asc_hardened_tests::random::Random;

use crate::subject::{Place, Subject};

const LENGTH_MAX: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(C, packed)]
struct Packed {
    a: u8,
    b: u32,
    c: u16,
    d: u64,
}

#[derive(Debug, Clone, PartialEq, Hash)]
enum Padded {
    Nothing,
    Byte(u8),
    Pair(u8, u64),
    Wide(u128),
    Text(String),
    Named {
        flag: bool,
        bytes: [u8; 12],
        short: u16,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(C, align(64))]
struct Aligned {
    byte: u8,
    word: u32,
}

/// Values whose stores have odd widths, or leave bytes out.
pub(crate) struct Layouts {
    three: [u8; 3],
    six: Vec<[u8; 6]>,
    twelve: Vec<[u8; 12]>,
    wide: Vec<u128>,
    packed: Vec<Packed>,
    padded: Vec<Padded>,
    aligned: Vec<Aligned>,
    #[expect(clippy::type_complexity, reason = "the nesting is what is tested")]
    nested: Option<Option<(bool, Option<u32>, [u16; 3])>>,
    float: (f32, f64),
    flags: [bool; 7],
}

impl Subject for Layouts {
    const NAME: &'static str = "layouts";

    fn new(_place: Place) -> Self {
        Self {
            three: [0; 3],
            six: Vec::new(),
            twelve: Vec::new(),
            wide: Vec::new(),
            packed: Vec::new(),
            padded: Vec::new(),
            aligned: Vec::new(),
            nested: None,
            float: (0.0, 0.0),
            flags: [false; 7],
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let word = random.word();
        match random.below(13) {
            0 => self.three = [word as u8, (word >> 8) as u8, (word >> 16) as u8],
            1 => self
                .six
                .push(word.to_le_bytes()[2..].try_into().expect("six bytes")),
            2 => self
                .twelve
                .push(std::array::from_fn(|index| (word >> index) as u8)),
            3 => self
                .wide
                .push(u128::from(word).wrapping_mul(u128::from(word) << 17)),
            4 => self.packed.push(Packed {
                a: 1,
                b: word as u32,
                c: 3,
                d: word,
            }),
            5 => self.packed.sort_by_key(|packed| packed.b ^ 5),
            6 => self.padded.push(padded(word)),
            7 => self.padded.iter_mut().for_each(mutate),
            8 => self.aligned.push(Aligned {
                byte: word as u8,
                word: 9,
            }),
            9 => {
                self.nested = Some((!word.is_multiple_of(3)).then_some((
                    true,
                    (word % 5 > 1).then_some(7),
                    [1, 2, 3],
                )))
            }
            10 => self.float = (word as f32 / 7.0, self.float.1 + word as f64),
            11 => self.flags[word as usize % 7] ^= true,
            _ => self
                .wide
                .iter_mut()
                .for_each(|wide| *wide = wide.rotate_right(13) / 3),
        }
        self.shorten();
        digest(&(
            self.three,
            self.packed.last(),
            self.padded.last(),
            self.aligned.first(),
        ))
    }

    fn digest(&self) -> u64 {
        let first = digest(&(
            self.three,
            &self.six,
            &self.twelve,
            &self.wide,
            &self.packed,
        ));
        let floats = (self.float.0.to_bits(), self.float.1.to_bits());
        digest(&(
            first,
            &self.padded,
            &self.aligned,
            self.nested,
            floats,
            self.flags,
        ))
    }
}

impl Layouts {
    fn shorten(&mut self) {
        if self.padded.len() > LENGTH_MAX {
            self.padded.drain(..LENGTH_MAX / 2);
        }
        self.six.truncate(LENGTH_MAX);
        self.twelve.truncate(LENGTH_MAX);
        self.wide.truncate(LENGTH_MAX);
        self.packed.truncate(LENGTH_MAX);
        self.aligned.truncate(LENGTH_MAX);
    }
}

fn padded(word: u64) -> Padded {
    match word % 6 {
        0 => Padded::Nothing,
        1 => Padded::Byte(word as u8),
        2 => Padded::Pair(word as u8, word),
        3 => Padded::Wide(u128::from(word) << 50),
        4 => Padded::Text(format!("{word}")),
        _ => Padded::Named {
            flag: word & 64 > 0,
            bytes: [word as u8; 12],
            short: word as u16,
        },
    }
}

fn mutate(padded: &mut Padded) {
    match padded {
        Padded::Nothing => *padded = Padded::Byte(1),
        Padded::Byte(byte) => *byte = byte.wrapping_add(1),
        Padded::Pair(byte, word) => (*byte, *word) = (*word as u8, u64::from(*byte)),
        Padded::Wide(wide) => *padded = Padded::Pair(*wide as u8, 3),
        Padded::Text(text) => text.push('.'),
        Padded::Named { flag, bytes, .. } => (*flag, bytes[11]) = (!*flag, 7),
    }
}

/// Values that change places.
pub(crate) struct Moves {
    left: (Padded, [u8; 3], Vec<u8>),
    right: (Padded, [u8; 3], Vec<u8>),
    slots: [Option<Box<Padded>>; 5],
}

impl Subject for Moves {
    const NAME: &'static str = "moves";

    fn new(_place: Place) -> Self {
        Self {
            left: (Padded::Nothing, [1, 2, 3], vec![1]),
            right: (Padded::Byte(1), [4, 5, 6], vec![2]),
            slots: Default::default(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let word = random.word();
        let slot = word as usize % self.slots.len();
        match random.below(9) {
            0 => mem::swap(&mut self.left, &mut self.right),
            1 => mem::swap(&mut self.left.1, &mut self.right.1),
            2 => self.left.0 = mem::replace(&mut self.right.0, padded(word)),
            3 => self.left.2 = mem::take(&mut self.right.2),
            4 => self.right.2.extend_from_slice(&self.left.1),
            5 => self.slots[slot] = Some(Box::new(padded(word))),
            6 => self.slots.rotate_right(slot),
            7 => {
                self.left.0 = self.slots[slot]
                    .take()
                    .map_or(Padded::Nothing, |boxed| *boxed)
            }
            _ => (self.left.1, self.right.1) = (self.right.1, [word as u8; 3]),
        }
        self.right.2.truncate(LENGTH_MAX);
        digest(&(&self.left, &self.slots[slot]))
    }

    fn digest(&self) -> u64 {
        digest(&(&self.left, &self.right, &self.slots))
    }
}
