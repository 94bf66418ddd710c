//! `HashMap`, `HashSet`, `BTreeMap`, `BTreeSet`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use asc_hardened_tests::digest::{digest, unordered_digest};
use asc_hardened_tests::random::Random;

use crate::subject::{Place, Subject};

const KEYS: usize = 200;

/// Hash tables with the default, randomly keyed hasher.
pub(crate) struct HashMaps {
    words: HashMap<u64, String>,
    texts: HashSet<String>,
    pairs: HashMap<(u8, u32), [u8; 6]>,
}

impl Subject for HashMaps {
    const NAME: &'static str = "hash_maps";

    fn new(_place: Place) -> Self {
        Self {
            words: HashMap::new(),
            texts: HashSet::new(),
            pairs: HashMap::new(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let key = random.below(KEYS) as u64;
        match random.below(12) {
            0 | 1 => self
                .words
                .insert(key, format!("value {key}"))
                .map_or(0, |old| old.len() as u64),
            2 => self.words.remove(&key).map_or(0, |old| digest(&old)),
            3 => {
                self.words.entry(key).or_default().push('x');
                self.words[&key].len() as u64
            }
            4 => {
                self.words
                    .retain(|key, text| key % 7 != 0 || text.len() < 9);
                self.words.len() as u64
            }
            5 => u64::from(self.texts.insert(format!("text {}", key / 3))),
            6 => u64::from(self.texts.remove(&format!("text {}", key / 3))),
            7 => {
                self.pairs
                    .insert((key as u8, key as u32 * 3), [key as u8; 6]);
                self.pairs
                    .values_mut()
                    .for_each(|bytes| bytes[5] = bytes[5].wrapping_add(1));
                self.pairs.len() as u64
            }
            8 => {
                self.pairs = self
                    .pairs
                    .drain()
                    .filter(|((byte, _), _)| byte % 3 != 0)
                    .collect();
                self.pairs.shrink_to_fit();
                self.pairs.len() as u64
            }
            9 => self.words.extract_if(|key, _| key % 11 == 0).count() as u64,
            10 => {
                let copy: HashSet<String> = self.texts.iter().take(5).cloned().collect();
                self.texts.intersection(&copy).count() as u64
            }
            _ => {
                if random.once_in(20) {
                    self.words.clear();
                }
                self.words.get(&key).map_or(1, digest)
            }
        }
    }

    fn digest(&self) -> u64 {
        unordered_digest(&self.words)
            ^ unordered_digest(&self.texts)
            ^ unordered_digest(&self.pairs).rotate_left(1)
    }
}

/// Ordered trees: node splits, merges and range edits.
pub(crate) struct BTrees {
    map: BTreeMap<String, Vec<u8>>,
    set: BTreeSet<(u16, u64)>,
    small: BTreeMap<u8, [u8; 3]>,
}

impl Subject for BTrees {
    const NAME: &'static str = "btrees";

    fn new(_place: Place) -> Self {
        Self {
            map: BTreeMap::new(),
            set: BTreeSet::new(),
            small: BTreeMap::new(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let key = random.below(KEYS);
        match random.below(10) {
            0 | 1 => {
                let old = self
                    .map
                    .insert(format!("key {key:03}"), vec![key as u8; key % 50]);
                old.map_or(0, |old| old.len() as u64)
            }
            2 => self
                .map
                .remove(&format!("key {key:03}"))
                .map_or(0, |old| digest(&old)),
            3 => {
                let range = self.map.range_mut(format!("key {key:03}")..);
                range
                    .take(5)
                    .map(|(_, value)| {
                        value.push(1);
                        value.len() as u64
                    })
                    .sum()
            }
            4 => {
                let mut upper = self.map.split_off(&format!("key {key:03}"));
                upper.retain(|_, value| value.len() % 5 != 4);
                self.map.append(&mut upper);
                self.map.len() as u64
            }
            5 => {
                self.set.insert((key as u16, random.word() % 8));
                self.set.first().map_or(0, digest)
            }
            6 => self.set.pop_last().map_or(0, |last| digest(&last)),
            7 => {
                self.small.insert(key as u8, [1, 2, key as u8]);
                self.small.pop_first().map_or(0, |first| digest(&first))
            }
            8 => self.set.range((key as u16, 0)..).map(|pair| pair.1).sum(),
            _ => digest(&self.map.iter().next_back()),
        }
    }

    fn digest(&self) -> u64 {
        digest(&(&self.map, &self.set, &self.small))
    }
}
