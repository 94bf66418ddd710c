//! Clocks and random keys inside handlers: different answers from call to call, the same in both
//! runs of one handler.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use asc_hardened_tests::random::Random;

use crate::subject::{Place, Subject};

/// State that depends on the clock, and checks that it runs forward.
pub(crate) struct Clocks {
    last: Instant,
    wall: SystemTime,
    nanoseconds: Vec<u64>,
}

impl Subject for Clocks {
    const NAME: &'static str = "clocks";

    fn new(_place: Place) -> Self {
        Self {
            last: Instant::now(),
            wall: SystemTime::now(),
            nanoseconds: Vec::new(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        match random.below(3) {
            0 => {
                let now = Instant::now();
                let elapsed = now.checked_duration_since(self.last);
                self.last = now;
                self.nanoseconds
                    .push(elapsed.map_or(0, |elapsed| elapsed.as_nanos() as u64));
                u64::from(elapsed.is_some())
            }
            1 => {
                self.wall = SystemTime::now();
                let text = format!("{:?}", self.wall);
                u64::from(text.contains("SystemTime"))
            }
            _ => {
                self.nanoseconds.truncate(20);
                u64::from(self.wall > UNIX_EPOCH)
            }
        }
    }

    fn digest(&self) -> u64 {
        u64::from(self.wall > UNIX_EPOCH)
    }
}

/// Hash tables made inside handlers, whose keys and hence whose layouts are random.
pub(crate) struct RandomKeys {
    tables: Vec<HashMap<u64, [u8; 3]>>,
    keys: RandomState,
}

impl Subject for RandomKeys {
    const NAME: &'static str = "random_keys";

    fn new(_place: Place) -> Self {
        Self {
            tables: Vec::new(),
            keys: RandomState::new(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let word = random.word();
        match random.below(4) {
            0 => self
                .tables
                .push((0..word % 40).map(|key| (key, [1, 2, key as u8])).collect()),
            1 => self.keys = RandomState::new(),
            2 => {
                // The order is random, and becomes part of the state.
                let order: Vec<u64> = self
                    .tables
                    .iter()
                    .flat_map(HashMap::keys)
                    .copied()
                    .collect();
                self.tables
                    .push(order.iter().map(|&key| (key, [0; 3])).collect());
            }
            _ => {
                return (0..50)
                    .map(|key| self.keys.hash_one(key))
                    .collect::<HashSet<_>>()
                    .len() as u64;
            }
        }
        if self.tables.len() > 6 {
            self.tables.clear();
        }
        self.tables.iter().map(|table| table.len() as u64).sum()
    }

    fn digest(&self) -> u64 {
        self.tables.iter().map(|table| table.len() as u64).sum()
    }
}
