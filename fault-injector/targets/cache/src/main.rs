//! The cache's handler as a target: a shard with a few hundred items, and clients that mix all
//! commands.
//!
//! 1. The shard is filled by its own handler.
//! 2. The trace's requests are handled at one fixed time.
//! 3. The digest takes in every item with all its fields, in order of eviction, whether its key
//!    leads to it, all counters, sizes and the next unique identifier.

use std::process::ExitCode;

use asc_memcached::protocol::frame::{Frame, Framer};
use asc_memcached::{Disposition, KeyHasher, Placement, Shard, ShardLimits};
use asc_runtime::{Input, Output};
use fault_injector::target::{Digest, Target, serve};

mod requests;

/// 2023-11-14: a time at which nothing special happens.
const NOW: u32 = 1_700_000_000;
/// What the items were stored before that: long enough for a read to move them.
const AGE_SECONDS: u32 = 100;
/// The client sees its connection closed.
const EXIT_CLOSED: i32 = 3;
/// Fixed, so that the same keys share buckets in every life.
const HASH_SEED: u64 = 1;

fn main() -> ExitCode {
    serve::<Cache>()
}

struct Cache {
    shard: Shard,
}

impl Target for Cache {
    fn new() -> Self {
        let placement = Placement::sole(KeyHasher::with_seed(HASH_SEED));
        let mut shard = Shard::new(ShardLimits::default(), placement);
        let mut output = Output::new();
        for item in 0..requests::ITEMS {
            let request = requests::fill(item);
            shard.handle(NOW - AGE_SECONDS, &Input::seal(&request), &mut output);
            output.clear();
        }
        Self { shard }
    }

    fn handle(&mut self, request: &Input<'_>, reply: &mut Output) {
        let mut disposition = self.shard.handle(NOW, request, reply);
        let mut reached = 0;
        // What the event loop does. None of it happens in a healthy life of this target's traces.
        loop {
            match disposition {
                // A continuation on the only shard makes progress within the request.
                Disposition::Continue { shard: 0, at }
                    if at as usize > reached && (at as usize) < request.bytes().len() =>
                {
                    reached = at as usize;
                    disposition = self.shard.resume(NOW, request, reached, reply);
                }
                Disposition::Continue { .. } | Disposition::Close => {
                    std::process::exit(EXIT_CLOSED)
                }
                Disposition::Statistics(_) => return reply.write(b"END\r\n"),
                _ => return,
            }
        }
    }

    fn digest(&self, digest: &mut Digest) {
        for item in self.shard.items() {
            digest.bytes(item.key);
            digest.bytes(item.reply);
            digest.number(item.cas);
            for word in [item.flags, item.stored_at, item.expires_at, item.moved_at] {
                digest.number(word.into());
            }
            digest.number(u64::from(item.fetched) | u64::from(item.reachable) << 1);
        }
        let counters = self.shard.counters();
        counters
            .named()
            .iter()
            .for_each(|(_, count)| digest.number(*count));
        let usage = self.shard.usage();
        let sizes = [usage.items, usage.bytes, usage.bytes_max, usage.buckets];
        sizes.into_iter().for_each(|size| digest.number(size));
        digest.number(self.shard.next_cas());
    }

    fn generate(seed: u64, count: usize) -> Vec<Vec<u8>> {
        requests::generate(seed, count)
    }

    fn frame(bytes: &[u8]) -> Option<usize> {
        match Framer::new(ShardLimits::default().item_bytes).next(bytes) {
            Frame::Request { length, discard } if length + discard <= bytes.len() => Some(length),
            _ => None,
        }
    }
}
