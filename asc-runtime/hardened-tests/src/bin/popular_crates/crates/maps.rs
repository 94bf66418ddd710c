//! `indexmap` and `hashbrown`.

use asc_hardened_tests::digest::{digest, unordered_digest};
use asc_hardened_tests::random::Random;
use hashbrown::{HashMap, HashTable};
use indexmap::{IndexMap, IndexSet};

use crate::Exercise;

const KEYS: usize = 100;

/// Maps that keep their order, with randomly keyed hashers.
pub(crate) struct Indexed {
    map: IndexMap<String, [u8; 6]>,
    set: IndexSet<u64>,
}

impl Exercise for Indexed {
    const NAME: &'static str = "indexmap";

    fn new() -> Self {
        Self {
            map: IndexMap::new(),
            set: IndexSet::new(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let key = random.below(KEYS);
        match random.below(9) {
            0 | 1 => drop(self.map.insert(format!("{key}"), [key as u8; 6])),
            2 => drop(self.map.swap_remove(&format!("{key}"))),
            3 => drop(self.map.shift_remove(&format!("{key}"))),
            4 => self.map.sort_keys(),
            5 => self.map.entry(format!("{key}")).or_insert([0; 6])[2] ^= 7,
            6 => drop(self.set.insert(key as u64)),
            7 => self.set.retain(|key| key % 5 != 0),
            _ => self.map.reverse(),
        }
        digest(&(self.map.as_slice(), self.set.as_slice()))
    }
}

/// The table behind `std`'s maps, in the application's own copy.
pub(crate) struct Hashbrown {
    map: HashMap<u32, String>,
    table: HashTable<(u64, u8)>,
}

impl Exercise for Hashbrown {
    const NAME: &'static str = "hashbrown";

    fn new() -> Self {
        Self {
            map: HashMap::new(),
            table: HashTable::new(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let key = random.below(KEYS) as u64;
        let hash = digest(&key);
        match random.below(6) {
            0 => drop(self.map.insert(key as u32, "v".repeat(key as usize % 40))),
            1 => drop(self.map.remove(&(key as u32))),
            2 => self.map.retain(|_, text| text.len() != 7),
            3 => drop(
                self.table
                    .insert_unique(hash, (key, 1), |pair| digest(&pair.0)),
            ),
            4 => {
                if let Ok(entry) = self.table.find_entry(hash, |pair| pair.0 == key) {
                    entry.remove();
                }
            }
            _ => self.table.shrink_to_fit(|pair| digest(&pair.0)),
        }
        unordered_digest(&self.map) ^ unordered_digest(self.table.iter())
    }
}
