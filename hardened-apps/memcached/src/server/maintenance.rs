//! A thread that does what no request asks for.
//!
//! 1. It balances the LRU segments of each shard, a few items at a time.
//! 2. It crawls over all items and removes dead ones: when a client asks for it, and every now and
//!    then by itself.
//!
//! Each piece is a handler with the shard locked around it. Where nothing is due none is called.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::failure::Failure;
use super::shared::Shared;
use super::termination::AbortOnPanic;
use crate::protocol::ClassSelection;

/// How often the thread looks whether there is something to do.
const INTERVAL: Duration = Duration::from_millis(100);
/// Items that one handler moves at most, and handlers in a row for a shard.
const STEPS_PER_HANDLER: usize = 500;
const HANDLERS_PER_TURN: usize = 20;
/// Slots that one handler of the crawler looks at.
const SLOTS_PER_HANDLER: usize = 1024;
/// Time from one crawl of the thread's own to the next.
const CRAWL_INTERVAL: Duration = Duration::from_secs(60);

/// The crawler's settings and orders.
#[derive(Debug)]
pub(crate) struct Crawler {
    on: AtomicBool,
    running: AtomicBool,
    starts: AtomicU64,
    /// What it is set to; it needs no pauses, since clients are served between handlers.
    pub(crate) sleep_microseconds: AtomicU32,
    pub(crate) to_crawl: AtomicU32,
    requested: Mutex<Option<ClassSelection>>,
}

impl Crawler {
    pub(crate) fn new(on: bool, sleep_microseconds: u32, to_crawl: u32) -> Self {
        Self {
            on: on.into(),
            running: false.into(),
            starts: 0.into(),
            sleep_microseconds: sleep_microseconds.into(),
            to_crawl: to_crawl.into(),
            requested: Mutex::new(None),
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Relaxed)
    }

    pub(crate) fn switch(&self, on: bool) {
        self.on.store(on, Relaxed);
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Relaxed)
    }

    pub(crate) fn starts(&self) -> u64 {
        self.starts.load(Relaxed)
    }

    /// Asks for a crawl.
    pub(crate) fn request(&self, classes: ClassSelection) {
        self.running.store(true, Relaxed);
        *self
            .requested
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(classes);
    }

    fn take_request(&self) -> Option<ClassSelection> {
        self.requested
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// Starts the thread.
pub(super) fn start(shared: &Arc<Shared>) -> Result<(), Failure> {
    let shared = Arc::clone(shared);
    thread::Builder::new()
        .name("maintenance".into())
        .spawn(move || {
            let _guard = AbortOnPanic;
            run(&shared);
        })
        .map_err(|error| Failure::system("start the maintenance thread", error))?;
    Ok(())
}

fn run(shared: &Shared) {
    let mut crawled_at = Instant::now();
    loop {
        thread::sleep(INTERVAL);
        if shared.options.extended.lru_maintainer {
            (0..shared.shards()).for_each(|shard| balance(shared, shard));
        }
        if let Some(classes) = shared.crawler.take_request() {
            crawl(shared, classes);
        } else if shared.crawler.is_on() && crawled_at.elapsed() >= CRAWL_INTERVAL {
            crawl(shared, ClassSelection::ALL);
            crawled_at = Instant::now();
        }
    }
}

fn balance(shared: &Shared, shard: u16) {
    for _ in 0..HANDLERS_PER_TURN {
        let now = shared.clock.now();
        let mut shard = shared.lock(shard);
        if !shard.is_maintenance_due(now)
            || shard.maintain(now, STEPS_PER_HANDLER) < STEPS_PER_HANDLER
        {
            return;
        }
    }
}

fn crawl(shared: &Shared, classes: ClassSelection) {
    let crawler = &shared.crawler;
    crawler.running.store(true, Relaxed);
    crawler.starts.fetch_add(1, Relaxed);
    for shard in 0..shared.shards() {
        let mut next = Some(0);
        while let Some(from) = next
            && crawler.is_on()
        {
            let now = shared.clock.now();
            next = shared
                .lock(shard)
                .crawl(now, from, SLOTS_PER_HANDLER, classes);
        }
    }
    crawler.running.store(false, Relaxed);
}
