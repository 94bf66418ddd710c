//! A client with keys of its own, so that it knows what it may read.
//!
//! Values carry their checksum (`asc-memcached-client`) and are compared with what was stored as well. A
//! request without a reply leaves its key in doubt: the old value may be there, or the new one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use asc_memcached_client::{Client, Error};
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::tally::Seen;

/// Keys of one client.
const KEYS: u32 = 8000;
/// More than a server of 16 MiB may keep.
const VALUE_BYTES_MAX: usize = 4500;
const REQUESTS_PER_CONNECTION: u32 = 200;
/// Attempts to read every key at the end. A server that was struck may have lost a worker.
const SWEEPS_MAX: u32 = 10;
const KEYS_PER_MULTIGET: u32 = 20;
/// What memcached says beyond as many connections as `-c` allows, which is far more than there are clients.
const CROWDED: &str = "ERROR Too many open connections";
/// Seconds that items with an end live at most.
const LIFE_SECONDS_MAX: u32 = 3;
/// Times are told in whole seconds.
const LIFE_TOLERANCE: Duration = Duration::from_secs(1);

/// What clients and whoever watches them share.
#[derive(Debug, Default)]
pub struct Stage {
    /// Clients come to their end.
    pub over: AtomicBool,
    /// A client has come to its end because nobody serves it any more.
    pub lost: AtomicBool,
    /// Replies so far.
    pub replies: Arc<AtomicU64>,
}

/// What one client found.
#[derive(Debug)]
pub struct Finding {
    /// What it saw.
    pub seen: Seen,
    /// The first reply that was wrong.
    pub wrong: Option<String>,
}

/// A value that may be there.
#[derive(Debug, Clone, Copy)]
struct Stored {
    seed: u64,
    length: usize,
    /// When it must be gone.
    gone_at: Option<Instant>,
    /// The server has said that it has it: once gone, it never comes back.
    acknowledged: bool,
}

impl Stored {
    fn value(&self) -> Vec<u8> {
        let mut value = vec![0; self.length];
        ChaCha8Rng::seed_from_u64(self.seed).fill_bytes(&mut value);
        value
    }

    fn is_gone(&self, at: Instant) -> bool {
        self.gone_at.is_some_and(|gone_at| gone_at < at)
    }
}

/// Why a request has no right answer.
#[derive(Debug)]
enum Trouble {
    /// The connection ended. The server has, or has closed it.
    Unanswered,
    /// A worker of the server serves nobody any more: connections that were left are still open.
    Crowded,
    Wrong(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(_) => Self::Unanswered,
            Error::Refused(text) if text == CROWDED => Self::Crowded,
            error => Self::Wrong(error.to_string()),
        }
    }
}

/// The client.
#[derive(Debug)]
pub struct Owner {
    address: SocketAddr,
    number: u64,
    random: ChaCha8Rng,
    /// What may be there, for keys under which anything may be.
    stored: BTreeMap<u32, Vec<Stored>>,
    seen: Seen,
}

impl Owner {
    /// Client `number` of a server that is empty.
    pub fn new(address: SocketAddr, number: u64, random: ChaCha8Rng) -> Self {
        Self {
            address,
            number,
            random,
            stored: BTreeMap::new(),
            seen: Seen::default(),
        }
    }

    /// Asks until it is told to stop, then reads every key. Ends early with a wrong reply, and when nobody
    /// listens any more or not all workers do.
    pub fn work(mut self, stage: &Stage) -> Finding {
        let mut sweeps = 0;
        let wrong = loop {
            let Ok(mut client) = Client::connect(self.address) else {
                stage.lost.store(true, Relaxed);
                break None;
            };
            self.seen.connections += 1;
            let over = stage.over.load(Relaxed);
            let talked = match over {
                true => self.sweep(&mut client, stage),
                false => self.talk(&mut client, stage),
            };
            match talked {
                Ok(()) if over => break None,
                Ok(()) => {}
                Err(Trouble::Unanswered) if over && sweeps == SWEEPS_MAX => {
                    stage.lost.store(true, Relaxed);
                    break None;
                }
                Err(Trouble::Unanswered) => {
                    self.seen.unanswered += 1;
                    sweeps += u32::from(over);
                }
                Err(Trouble::Crowded) => {
                    stage.lost.store(true, Relaxed);
                    break None;
                }
                Err(Trouble::Wrong(text)) => break Some(text),
            }
        };
        Finding {
            seen: self.seen,
            wrong,
        }
    }

    fn talk(&mut self, client: &mut Client, stage: &Stage) -> Result<(), Trouble> {
        for _ in 0..REQUESTS_PER_CONNECTION {
            if stage.over.load(Relaxed) {
                break;
            }
            self.one_request(client)?;
            stage.replies.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    fn sweep(&mut self, client: &mut Client, stage: &Stage) -> Result<(), Trouble> {
        let keys: Vec<u32> = self.stored.keys().copied().collect();
        for keys in keys.chunks(KEYS_PER_MULTIGET as usize) {
            self.get(client, keys)?;
            stage.replies.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    fn one_request(&mut self, client: &mut Client) -> Result<(), Trouble> {
        let key = self.random.random_range(0..KEYS);
        match self.random.random_range(0..100) {
            0..40 => self.get(client, &[key]),
            40..50 => {
                let keys: Vec<u32> = (key..KEYS).take(KEYS_PER_MULTIGET as usize).collect();
                self.get(client, &keys)
            }
            50..92 => self.set(client, key),
            _ => self.delete(client, key),
        }
    }

    fn name(&self, key: u32) -> Vec<u8> {
        format!("client{}:{key}", self.number).into_bytes()
    }

    fn set(&mut self, client: &mut Client, key: u32) -> Result<(), Trouble> {
        let seconds = match self.random.random_range(0..2) {
            0 => 0,
            _ => self.random.random_range(1..=LIFE_SECONDS_MAX),
        };
        let mut stored = Stored {
            seed: self.random.next_u64(),
            length: self.random.random_range(0..VALUE_BYTES_MAX),
            gone_at: None,
            acknowledged: false,
        };
        let done = client.set(&self.name(key), &stored.value(), seconds);
        let life = Duration::from_secs(seconds.into());
        stored.gone_at = (seconds > 0).then(|| Instant::now() + life + LIFE_TOLERANCE);
        let candidates = self.stored.entry(key).or_default();
        if done.is_ok() {
            stored.acknowledged = true;
            candidates.clear();
            self.seen.stored += 1;
        }
        candidates.push(stored);
        Ok(done?)
    }

    fn delete(&mut self, client: &mut Client, key: u32) -> Result<(), Trouble> {
        let existed = client.delete(&self.name(key))?;
        let known = self.stored.remove(&key);
        if existed && known.is_none_or(|candidates| candidates.is_empty()) {
            return Err(Trouble::Wrong(format!("key {key} was there to delete")));
        }
        Ok(())
    }

    fn get(&mut self, client: &mut Client, keys: &[u32]) -> Result<(), Trouble> {
        let names: Vec<Vec<u8>> = keys.iter().map(|key| self.name(*key)).collect();
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let asked_at = Instant::now();
        let values = client.get_many(&names)?;
        for (key, value) in keys.iter().zip(values) {
            self.judge(*key, value, asked_at).map_err(Trouble::Wrong)?;
        }
        Ok(())
    }

    /// Nothing may always be there: items are evicted. What was there and is not any more stays away.
    fn judge(&mut self, key: u32, value: Option<Vec<u8>>, asked_at: Instant) -> Result<(), String> {
        let candidates = self.stored.get(&key).map_or(&[][..], Vec::as_slice);
        let gone = |stored: &Stored| stored.is_gone(asked_at);
        let Some(value) = value else {
            let expired = !candidates.is_empty() && candidates.iter().all(gone);
            self.seen.expired += u64::from(expired);
            self.seen.misses += u64::from(!expired);
            if let Some(candidates) = self.stored.get_mut(&key) {
                candidates.retain(|stored| !stored.acknowledged);
            }
            return Ok(());
        };
        let found = candidates.iter().find(|it| it.value() == value).copied();
        match found {
            Some(stored) if gone(&stored) => Err(format!("key {key} lives too long")),
            Some(stored) => {
                self.seen.hits += 1;
                let acknowledged = Stored {
                    acknowledged: true,
                    ..stored
                };
                self.stored.insert(key, vec![acknowledged]);
                Ok(())
            }
            None if candidates.is_empty() => Err(format!("key {key} was deleted, or gone before")),
            None => Err(format!("key {key} has another value")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::random_of;

    const STORED: Stored = Stored {
        seed: 1,
        length: 100,
        gone_at: None,
        acknowledged: true,
    };

    fn judged(candidates: &[Stored], value: Option<Vec<u8>>) -> Result<(), String> {
        let mut owner = Owner::new(([127, 0, 0, 1], 1).into(), 0, random_of(1, 1));
        if !candidates.is_empty() {
            owner.stored.insert(7, candidates.to_vec());
        }
        owner.judge(7, value, Instant::now())
    }

    #[test]
    fn what_was_stored_or_nothing_is_right() {
        let other = Stored { seed: 2, ..STORED };
        assert_eq!(judged(&[STORED], Some(STORED.value())), Ok(()));
        assert_eq!(judged(&[other, STORED], Some(STORED.value())), Ok(()));
        assert_eq!(judged(&[STORED], None), Ok(()));
        assert_eq!(judged(&[], None), Ok(()));
    }

    #[test]
    fn what_was_gone_never_comes_back_unless_it_was_in_doubt() {
        for acknowledged in [true, false] {
            let mut owner = Owner::new(([127, 0, 0, 1], 1).into(), 0, random_of(1, 1));
            let stored = Stored {
                acknowledged,
                ..STORED
            };
            owner.stored.insert(7, vec![stored]);
            assert_eq!(owner.judge(7, None, Instant::now()), Ok(()));
            let back = owner.judge(7, Some(STORED.value()), Instant::now());
            assert_eq!(back.is_err(), acknowledged);
        }
    }

    #[test]
    fn everything_else_is_wrong() {
        let mut flipped = STORED.value();
        flipped[50] ^= 1;
        let over = Stored {
            gone_at: Some(Instant::now() - Duration::from_millis(1)),
            ..STORED
        };
        for (candidates, value) in [
            (&[STORED][..], flipped),
            (&[STORED], STORED.value()[..99].to_vec()),
            (&[], STORED.value()),
            (&[over], STORED.value()),
        ] {
            assert!(judged(candidates, Some(value)).is_err());
        }
    }
}
