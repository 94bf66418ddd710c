//! What all threads of the server share.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use asc_runtime::protected;

use super::authentication::Accounts;
use super::clock::Clock;
use super::connection_record::ConnectionRecords;
use super::failure::Failure;
use super::log::Log;
use super::maintenance::Crawler;
use super::tally::Tally;
use crate::cache::eviction::LruTuning;
use crate::cache::placement::{KeyHasher, Placement, shard_of};
use crate::cache::shard::Shard;
use crate::options::Options;
use crate::protocol::frame::Framer;

/// The shards, the time, the counters.
#[derive(Debug)]
pub(crate) struct Shared {
    /// At most one per worker. The lock is taken around a handler, never inside: it lies in ordinary
    /// memory, the shard in protected memory, which changes in handlers only.
    shards: Box<[Mutex<Box<Shard>>]>,
    hasher: KeyHasher,
    /// The limit of all shards together.
    pub(crate) memory_bytes: AtomicU64,
    tuning: Mutex<LruTuning>,
    /// Whether `stats detail` counts.
    pub(crate) details: AtomicBool,
    pub(crate) crawler: Crawler,
    pub(crate) options: Options,
    /// Who may use the server, unless everybody may.
    pub(super) accounts: Option<Accounts>,
    pub(crate) clock: Clock,
    pub(crate) log: Log,
    pub(crate) connections: ConnectionCounters,
    pub(super) records: ConnectionRecords,
    /// Whether the server is ending.
    pub(crate) stopping: AtomicBool,
    pub(crate) traffic: Box<[Traffic]>,
}

/// Counts connections.
#[derive(Debug, Default)]
pub(crate) struct ConnectionCounters {
    pub(crate) open: AtomicU64,
    pub(crate) total: AtomicU64,
    pub(crate) rejected: AtomicU64,
    /// Connections closed because nothing was asked for too long.
    pub(crate) idle_kicks: AtomicU64,
    /// Whether new connections are accepted.
    pub(crate) not_accepting: AtomicBool,
    /// How often accepting was suspended, and for how long.
    pub(crate) accept_stops: AtomicU64,
    pub(crate) accept_stopped_microseconds: AtomicU64,
}

/// What one worker counts, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Traffic {
    pub(crate) bytes_read: Tally,
    pub(crate) bytes_written: Tally,
    /// Turns that ended with more to read.
    pub(crate) yields: Tally,
    /// Attempts of clients to say who they are, and those that failed.
    pub(crate) authentications: Tally,
    pub(crate) authentication_failures: Tally,
}

impl Shared {
    pub(crate) fn new(options: &Options) -> Result<Self, Failure> {
        let seed = getrandom::u64().map_err(|error| Failure::system("get a random seed", error))?;
        let hasher = KeyHasher::with_seed(seed);
        let (shards, limits) = (options.shards(), options.shard_limits());
        let shard = |number| {
            let placement = Placement::new(hasher.clone(), number, shards);
            Mutex::new(protected(|| Box::new(Shard::new(limits, placement))))
        };
        let extended = &options.extended;
        Ok(Self {
            shards: (0..shards).map(shard).collect(),
            memory_bytes: options.memory_bytes().into(),
            tuning: Mutex::new(limits.lru),
            details: false.into(),
            crawler: Crawler::new(
                extended.lru_crawler,
                extended.lru_crawler_sleep,
                extended.lru_crawler_tocrawl,
            ),
            options: options.clone(),
            accounts: options
                .auth_file
                .as_deref()
                .map(Accounts::load)
                .transpose()?,
            clock: Clock::start(),
            log: Log::new(options.verbose.into()),
            connections: ConnectionCounters::default(),
            records: ConnectionRecords::default(),
            stopping: false.into(),
            traffic: (0..options.threads).map(|_| Traffic::default()).collect(),
            hasher,
        })
    }

    /// What finds the requests of a new connection.
    pub(crate) fn framer(&self) -> Framer {
        let protocol = self.options.binding.protocol();
        Framer::for_protocol(self.options.item_bytes as usize, protocol)
    }

    /// How the LRU is divided.
    pub(crate) fn tuning(&self) -> LruTuning {
        *self.tuning.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes how the LRU of all shards is divided.
    pub(crate) fn tune(&self, change: impl FnOnce(&mut LruTuning)) {
        let mut tuning = self.tuning.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut tuning);
        for shard in 0..self.shards() {
            self.lock(shard).tune(*tuning);
        }
    }

    pub(crate) fn shards(&self) -> u16 {
        self.shards.len() as u16
    }

    /// Waits for the shard. A worker that panicked with it ends the process, so that its state is
    /// never seen.
    pub(crate) fn lock(&self, shard: u16) -> ShardGuard<'_> {
        let shard = self.shards[shard as usize].lock();
        ShardGuard(shard.unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for all shards, in their order. Whoever holds one never waits for an earlier one.
    pub(crate) fn lock_all(&self) -> Vec<ShardGuard<'_>> {
        (0..self.shards()).map(|shard| self.lock(shard)).collect()
    }

    pub(crate) fn shard_of(&self, key: &[u8]) -> u16 {
        shard_of(&self.hasher, key, self.shards())
    }
}

/// A locked shard.
#[derive(Debug)]
pub(crate) struct ShardGuard<'a>(MutexGuard<'a, Box<Shard>>);

impl Deref for ShardGuard<'_> {
    type Target = Shard;

    #[inline]
    fn deref(&self) -> &Shard {
        &self.0
    }
}

impl DerefMut for ShardGuard<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Shard {
        &mut self.0
    }
}

impl ConnectionCounters {
    pub(crate) fn reset(&self) {
        self.total.store(0, Relaxed);
        self.rejected.store(0, Relaxed);
        self.idle_kicks.store(0, Relaxed);
        self.accept_stops.store(0, Relaxed);
        self.accept_stopped_microseconds.store(0, Relaxed);
    }
}

impl Traffic {
    pub(crate) fn reset(&self) {
        self.bytes_read.reset();
        self.bytes_written.reset();
        self.yields.reset();
        self.authentications.reset();
        self.authentication_failures.reset();
    }
}
