//! `bytes` (reference counts and vtables by hand), `smallvec`, `arrayvec`, `tinyvec`, `slab`, `itoa`.

use arrayvec::{ArrayString, ArrayVec};
use asc_hardened_tests::digest::digest;
use asc_hardened_tests::random::Random;
use bytes::{Buf, BufMut, Bytes as Shared, BytesMut};
use slab::Slab;
use smallvec::SmallVec;
use tinyvec::TinyVec;

use crate::Exercise;

const PIECES_MAX: usize = 30;

/// Slices of shared buffers.
pub(crate) struct Bytes {
    buffer: BytesMut,
    pieces: Vec<Shared>,
}

impl Exercise for Bytes {
    const NAME: &'static str = "bytes";

    fn new() -> Self {
        Self {
            buffer: BytesMut::new(),
            pieces: vec![Shared::from_static(b"static")],
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let word = random.word();
        match random.below(9) {
            0 => self.buffer.put_u64(word),
            1 => self
                .buffer
                .put_slice(&vec![word as u8; word as usize % 300]),
            2 => self.pieces.push(self.buffer.split().freeze()),
            3 => self
                .pieces
                .push(self.buffer.split_to(self.buffer.len() / 2).freeze()),
            4 => {
                let last = self.pieces.last().cloned().unwrap_or_default();
                self.pieces.push(last.slice(..last.len() / 2));
            }
            5 => drop(self.pieces.pop()),
            6 => self.buffer.reserve(word as usize % 2000),
            7 if self.buffer.remaining() >= 8 => return self.buffer.get_u64_le(),
            _ => self.pieces.push(Shared::from(word.to_string())),
        }
        if self.pieces.len() > PIECES_MAX {
            self.pieces.drain(..PIECES_MAX / 2);
        }
        digest(&(&self.pieces, &self.buffer[..]))
    }
}

/// Vectors that live in place until they grow.
pub(crate) struct Small {
    small: SmallVec<[String; 3]>,
    array: ArrayVec<[u8; 3], 9>,
    text: ArrayString<30>,
    tiny: TinyVec<[u16; 5]>,
    slab: Slab<(u8, u64)>,
}

impl Exercise for Small {
    const NAME: &'static str = "smallvec";

    fn new() -> Self {
        Self {
            small: SmallVec::new(),
            array: ArrayVec::new(),
            text: ArrayString::new(),
            tiny: TinyVec::new(),
            slab: Slab::new(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let word = random.word();
        match random.below(10) {
            0 => self.small.push(itoa::Buffer::new().format(word).to_owned()),
            1 => self.small.insert(0, "first".into()),
            2 => self.small.retain(|text| text.len() % 3 != 0),
            3 => self.small.truncate(2),
            4 => drop(self.array.try_push([word as u8, 1, 2])),
            5 => drop(self.array.pop_at(0)),
            6 => drop(
                self.text
                    .try_push_str(&word.to_string())
                    .map_err(|_| self.text.clear()),
            ),
            7 => self.tiny.push(word as u16),
            8 => return self.slab.insert((word as u8, word)) as u64,
            _ => drop(self.slab.try_remove(word as usize % 16)),
        }
        self.small.shrink_to_fit();
        self.small.truncate(PIECES_MAX);
        self.tiny.truncate(PIECES_MAX);
        let slab: Vec<_> = self.slab.iter().take(9).collect();
        digest(&(&self.small, &self.array, &self.text, &self.tiny[..], slab))
    }
}
