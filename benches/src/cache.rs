//! The cache's handler: 90 % `get`, 10 % `set`, uniformly random keys that are all present.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use asc_memcached::{KeyHasher, Placement, Shard, ShardLimits};
use asc_runtime::{Input, Output, protected};

use crate::random::Random;

/// Items in the cache, but no more than fill this many bytes of values.
const ITEMS_MAX: u64 = 100_000;
const VALUES_BYTES_MAX: u64 = 200 << 20;
/// Requests made ready before the clock starts: what a read from a socket would bring.
const BATCH: usize = 64;
/// One request in so many stores.
const SET_EVERY: u64 = 10;
const NOW: u32 = 1_700_000_000;

/// A filled cache and its client.
#[derive(Debug)]
pub struct Cache {
    /// On the protected heap, where that has codes.
    shard: Box<Shard>,
    output: Output,
    random: Random,
    items: u64,
    value: String,
    requests: Vec<String>,
}

impl Cache {
    /// A cache whose values have `value_bytes` bytes.
    pub fn filled(value_bytes: usize) -> Self {
        let items = ITEMS_MAX.min(VALUES_BYTES_MAX / value_bytes as u64);
        let limits = ShardLimits {
            memory_bytes: 1 << 30,
            ..ShardLimits::default()
        };
        let mut cache = Self {
            shard: protected(|| {
                Box::new(Shard::new(limits, Placement::sole(KeyHasher::with_seed(1))))
            }),
            output: Output::new(),
            random: Random::with_seed(1),
            items,
            value: "v".repeat(value_bytes),
            requests: vec![String::new(); BATCH],
        };
        for item in 0..items {
            let mut request = String::new();
            cache.write_set(&mut request, item);
            cache.execute(&request);
        }
        cache
    }

    /// Executes `operations` requests; returns the time spent in sealing, executing and taking the
    /// reply.
    ///
    /// # Panics
    /// If a reply is not what it must be.
    pub fn run(&mut self, operations: usize) -> Duration {
        let mut spent = Duration::ZERO;
        for _ in 0..operations.div_ceil(BATCH) {
            self.prepare();
            let requests = std::mem::take(&mut self.requests);
            let start = Instant::now();
            for request in &requests {
                self.execute(request);
            }
            spent += start.elapsed();
            self.requests = requests;
        }
        spent
    }

    fn prepare(&mut self) {
        let mut requests = std::mem::take(&mut self.requests);
        for request in &mut requests {
            request.clear();
            let item = self.random.below(self.items);
            if self.random.below(SET_EVERY) == 0 {
                self.write_set(request, item);
            } else {
                write!(request, "get key-{item:010}\r\n").expect("writing to a string");
            }
        }
        self.requests = requests;
    }

    fn write_set(&self, request: &mut String, item: u64) {
        let (length, value) = (self.value.len(), &self.value);
        write!(request, "set key-{item:010} 0 0 {length}\r\n{value}\r\n")
            .expect("writing to a string");
    }

    fn execute(&mut self, request: &str) {
        let sealed = Input::seal(request.as_bytes());
        self.shard.handle(NOW, &sealed, &mut self.output);
        assert!(
            matches!(self.output.bytes().first(), Some(b'V' | b'S')),
            "a miss or an error"
        );
        self.output.clear();
    }
}
