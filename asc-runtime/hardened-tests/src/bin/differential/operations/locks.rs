//! Locks and channels inside handlers, uncontended.

use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, RwLock};

use asc_hardened_tests::digest::digest;
use asc_hardened_tests::random::Random;

use crate::subject::{Place, Subject};

const LENGTH_MAX: usize = 50;

/// Mutual exclusion and lazy initialisation.
pub(crate) struct Locks {
    mutex: Arc<Mutex<Vec<u64>>>,
    pool: Vec<Arc<Mutex<[u8; 3]>>>,
    reading: RwLock<String>,
    once: Vec<OnceLock<String>>,
    lazy: Vec<LazyLock<Vec<u8>>>,
}

impl Subject for Locks {
    const NAME: &'static str = "locks";

    fn new(_place: Place) -> Self {
        Self {
            mutex: Arc::default(),
            pool: Vec::new(),
            reading: RwLock::default(),
            once: Vec::new(),
            lazy: Vec::new(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let byte = random.byte();
        match random.below(9) {
            0 => self.mutex.lock().expect("never poisoned").push(byte.into()),
            1 => {
                let other = Arc::clone(&self.mutex);
                other
                    .lock()
                    .expect("never poisoned")
                    .retain(|word| word % 3 != 0);
            }
            2 => self.pool.push(Arc::new(Mutex::new([byte, 1, 2]))),
            3 => self
                .pool
                .iter()
                .for_each(|mutex| mutex.lock().expect("never poisoned")[2] ^= byte),
            4 => self
                .reading
                .write()
                .expect("never poisoned")
                .push(char::from(byte % 64 + 32)),
            5 => return self.reading.read().expect("never poisoned").len() as u64,
            6 => self.once.push(OnceLock::new()),
            7 => self.once.iter().for_each(|once| {
                once.get_or_init(|| format!("{byte}"));
            }),
            _ => self.lazy.push(LazyLock::new(|| vec![7; 7])),
        }
        let initialised: usize = self.lazy.iter().step_by(2).map(|lazy| lazy.len()).sum();
        self.pool.truncate(LENGTH_MAX);
        self.once.truncate(LENGTH_MAX);
        self.lazy.truncate(LENGTH_MAX);
        if self.reading.read().expect("never poisoned").len() > LENGTH_MAX {
            self.reading.get_mut().expect("never poisoned").clear();
        }
        initialised as u64 + self.mutex.try_lock().map_or(0, |words| words.len() as u64)
    }

    fn digest(&self) -> u64 {
        let pool: Vec<_> = self
            .pool
            .iter()
            .map(|mutex| *mutex.lock().expect("never poisoned"))
            .collect();
        let once: Vec<_> = self.once.iter().map(OnceLock::get).collect();
        let reading = self.reading.read().expect("never poisoned");
        digest(&(
            &*self.mutex.lock().expect("never poisoned"),
            pool,
            once,
            &*reading,
        ))
    }
}

/// Both ends of channels in one state.
pub(crate) struct Channels {
    unbounded: (Sender<Vec<u8>>, Receiver<Vec<u8>>),
    bounded: (SyncSender<u64>, Receiver<u64>),
    received: u64,
}

impl Subject for Channels {
    const NAME: &'static str = "channels";

    fn new(_place: Place) -> Self {
        Self {
            unbounded: mpsc::channel(),
            bounded: mpsc::sync_channel(5),
            received: 0,
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let word = random.word();
        let result = match random.below(5) {
            0 | 1 => {
                self.unbounded
                    .0
                    .send(vec![word as u8; 40])
                    .expect("the receiver lives");
                1
            }
            2 => self
                .unbounded
                .1
                .try_recv()
                .map_or(2, |bytes| digest(&bytes)),
            3 => u64::from(self.bounded.0.try_send(word).is_ok()),
            _ => self.bounded.1.try_recv().unwrap_or(3),
        };
        self.received = self.received.wrapping_mul(31).wrapping_add(result);
        result
    }

    fn digest(&self) -> u64 {
        self.received
    }
}
