//! `VecDeque`, `LinkedList`, `BinaryHeap`.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, LinkedList, VecDeque};

use asc_hardened_tests::digest::digest;
use asc_hardened_tests::random::Random;

use crate::subject::{Place, Subject};

const LENGTH_MAX: usize = 60;

/// Rings and lists of elements with awkward sizes.
pub(crate) struct Deques {
    ring: VecDeque<u128>,
    bytes: VecDeque<[u8; 3]>,
    list: LinkedList<[u8; 6]>,
}

impl Subject for Deques {
    const NAME: &'static str = "deques";

    fn new(_place: Place) -> Self {
        Self {
            ring: VecDeque::new(),
            bytes: VecDeque::new(),
            list: LinkedList::new(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let byte = random.byte();
        match random.below(11) {
            0 => self.ring.push_front(u128::from(random.word()) << 40 | 7),
            1 => self.ring.push_back(u128::from(random.word()) * 3),
            2 => drop(self.ring.pop_front()),
            3 => self.ring.rotate_left(random.below(self.ring.len() + 1)),
            4 => self.ring.make_contiguous().sort_unstable(),
            5 => {
                self.bytes
                    .extend((0..byte % 9).map(|index| [byte, index, 3]));
                self.bytes.truncate(LENGTH_MAX);
            }
            6 => drop(self.bytes.drain(..self.bytes.len() / 2)),
            7 => self.list.push_back([1, 2, 3, 4, 5, byte]),
            8 => self.list.push_front([byte; 6]),
            9 => {
                let mut tail = self.list.split_off(self.list.len() / 2);
                tail.append(&mut self.list);
                self.list = tail;
            }
            _ => self.bytes.retain(|bytes| bytes[1] % 2 == 0),
        }
        self.ring.truncate(LENGTH_MAX);
        if self.list.len() > LENGTH_MAX {
            self.list.clear();
        }
        digest(&(self.ring.back(), self.bytes.front(), self.list.front()))
    }

    fn digest(&self) -> u64 {
        digest(&(&self.ring, &self.bytes, &self.list))
    }
}

/// Priority queues.
pub(crate) struct Heaps {
    numbers: BinaryHeap<u32>,
    texts: BinaryHeap<Reverse<(u8, String)>>,
}

impl Subject for Heaps {
    const NAME: &'static str = "heaps";

    fn new(_place: Place) -> Self {
        Self {
            numbers: BinaryHeap::new(),
            texts: BinaryHeap::new(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let byte = random.byte();
        match random.below(6) {
            0 => self.numbers.push(random.word() as u32),
            1 => return self.numbers.pop().unwrap_or(0).into(),
            2 => self
                .texts
                .push(Reverse((byte, "text".repeat(usize::from(byte % 9))))),
            3 => return self.texts.pop().map_or(0, |text| digest(&text)),
            4 => {
                if let Some(mut top) = self.numbers.peek_mut() {
                    *top /= 2;
                }
            }
            _ => self.numbers.extend([1, u32::from(byte), 99]),
        }
        if self.numbers.len() > LENGTH_MAX {
            self.numbers = self
                .numbers
                .drain()
                .filter(|number| number % 3 == 0)
                .collect();
        }
        self.numbers.peek().copied().unwrap_or(1).into()
    }

    fn digest(&self) -> u64 {
        digest(&(
            self.numbers.clone().into_sorted_vec(),
            self.texts.clone().into_sorted_vec(),
        ))
    }
}
