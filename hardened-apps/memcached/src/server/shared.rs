//! What all threads of the server share.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::clock::Clock;
use super::failure::Failure;
use super::log::Log;
use crate::cache::placement::{KeyHasher, Placement, shard_of};
use crate::cache::shard::{Shard, ShardLimits};
use crate::options::Options;

/// The shards, the time, the counters.
#[derive(Debug)]
pub(crate) struct Shared {
    /// One per worker. The lock is taken around a handler, never inside.
    shards: Box<[Mutex<Shard>]>,
    hasher: KeyHasher,
    pub(crate) item_bytes_max: usize,
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    pub(crate) log: Log,
    pub(crate) connections: ConnectionCounters,
    pub(crate) traffic: Box<[Traffic]>,
}

/// Counts connections.
#[derive(Debug, Default)]
pub(crate) struct ConnectionCounters {
    pub(crate) open: AtomicU64,
    pub(crate) total: AtomicU64,
    pub(crate) rejected: AtomicU64,
}

/// What one worker counts, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Traffic {
    pub(crate) bytes_read: AtomicU64,
    pub(crate) bytes_written: AtomicU64,
    /// Turns that ended with more to read.
    pub(crate) yields: AtomicU64,
}

impl Shared {
    pub(crate) fn new(options: &Options) -> Result<Self, Failure> {
        let seed = getrandom::u64().map_err(|error| Failure::system("get a random seed", error))?;
        let hasher = KeyHasher::with_seed(seed);
        let shards = u32::from(options.threads);
        let memory_bytes = options.memory_bytes() / u64::from(shards);
        let memory_bytes = usize::try_from(memory_bytes).unwrap_or(usize::MAX);
        let limits = ShardLimits {
            memory_bytes,
            ..ShardLimits::default()
        };
        let shard = |number| {
            Mutex::new(Shard::new(
                limits,
                Placement::new(hasher.clone(), number, shards),
            ))
        };
        Ok(Self {
            shards: (0..shards).map(shard).collect(),
            item_bytes_max: limits.item_bytes,
            options: options.clone(),
            clock: Clock::start(),
            log: Log::new(options.verbose.into()),
            connections: ConnectionCounters::default(),
            traffic: (0..shards).map(|_| Traffic::default()).collect(),
            hasher,
        })
    }

    pub(crate) fn shards(&self) -> u32 {
        self.shards.len() as u32
    }

    /// Waits for the shard. A worker that panicked with it ends the process, so that its state is
    /// never seen.
    pub(crate) fn lock(&self, shard: u32) -> MutexGuard<'_, Shard> {
        self.shards[shard as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn shard_of(&self, key: &[u8]) -> u32 {
        shard_of(&self.hasher, key, self.shards())
    }
}

impl ConnectionCounters {
    pub(crate) fn reset(&self) {
        self.total.store(0, Relaxed);
        self.rejected.store(0, Relaxed);
    }
}

impl Traffic {
    pub(crate) fn reset(&self) {
        self.bytes_read.store(0, Relaxed);
        self.bytes_written.store(0, Relaxed);
        self.yields.store(0, Relaxed);
    }
}
