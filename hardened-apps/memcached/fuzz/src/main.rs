//! A conversation that AFL makes up, with one shard and with three.
//!
//! 1. The bytes are framed and executed as if they arrived on one connection.
//! 2. They are executed again over three shards. Replies must be equal, unless they hold unique
//!    identifiers or statistics.
//! 3. Every shard must reach exactly the items that it counts.
#![forbid(unsafe_code)]

use asc_memcached::protocol::frame::{Frame, Framer, Protocol};
use asc_memcached::{Disposition, KeyHasher, Placement, Shard, ShardLimits};
use asc_runtime::{Input, Output};

const NOW: u32 = 1_700_000_000;
/// Small limits are reached by short conversations.
const ITEM_BYTES: usize = 4096;
const MEMORY_BYTES: usize = 16 * 1024;

fn main() {
    afl::fuzz!(|bytes: &[u8]| {
        let alone = Conversation::hold(bytes, 1);
        let together = Conversation::hold(bytes, 3);
        if alone.is_comparable(bytes) && together.is_comparable(bytes) {
            assert_eq!(alone.replies, together.replies);
        }
    });
}

/// What was said, and whether it depends on the number of shards.
struct Conversation {
    replies: Vec<u8>,
    depends: bool,
}

impl Conversation {
    fn hold(mut bytes: &[u8], shards: u16) -> Self {
        let limits = ShardLimits {
            memory_bytes: MEMORY_BYTES,
            item_bytes: ITEM_BYTES,
            ..ShardLimits::default()
        };
        let hasher = KeyHasher::with_seed(1);
        let mut shards: Vec<Shard> = (0..shards)
            .map(|number| Shard::new(limits, Placement::new(hasher.clone(), number, shards)))
            .collect();
        let mut conversation = Self {
            replies: Vec::new(),
            depends: false,
        };
        let mut framer = Framer::new(ITEM_BYTES);
        loop {
            match framer.next(bytes) {
                Frame::Request { length, discard } => {
                    assert!(0 < length && length <= bytes.len());
                    let request = &bytes[..length];
                    if !conversation.execute(&mut shards, request, framer.protocol()) {
                        break;
                    }
                    bytes = &bytes[(length + discard).min(bytes.len())..];
                }
                Frame::Incomplete { needed } => {
                    assert!(needed > bytes.len());
                    break;
                }
                Frame::Hangup => break,
            }
        }
        for shard in &shards {
            let usage = shard.usage();
            let reachable = shard.items().filter(|item| item.reachable).count();
            assert_eq!(reachable as u64, usage.items);
            assert!(usage.bytes_used <= usage.bytes_max, "{usage:?}");
            conversation.depends |= shard.counters().evictions > 0;
        }
        conversation
    }

    /// Whether the connection stays open.
    fn execute(&mut self, shards: &mut [Shard], request: &[u8], protocol: Protocol) -> bool {
        let input = Input::seal(request);
        let mut output = Output::new();
        let (mut shard, mut at) = (0, 0);
        let disposition = loop {
            let handler = &mut shards[shard];
            let disposition = match (protocol, at) {
                (Protocol::Binary, _) => handler.handle_binary(NOW, &input, &mut output),
                (Protocol::Text, 0) => handler.handle(NOW, &input, &mut output),
                (Protocol::Text, at) => handler.resume(NOW, &input, at, &mut output),
            };
            let Disposition::Continue {
                shard: next,
                at: position,
            } = disposition
            else {
                break disposition;
            };
            let next = (usize::from(next), position as usize);
            assert_ne!(next, (shard, at), "no progress");
            (shard, at) = next;
        };
        if matches!(
            disposition,
            Disposition::Everywhere | Disposition::EverywhereReset
        ) {
            for (_, other) in shards
                .iter_mut()
                .enumerate()
                .filter(|(number, _)| *number != shard)
            {
                match protocol {
                    Protocol::Text => other.follow(NOW, &input),
                    Protocol::Binary => other.follow_binary(NOW, &input),
                }
            }
        }
        self.replies.extend_from_slice(output.bytes());
        disposition != Disposition::Close
    }

    /// Identifiers, and what is evicted, are those of a shard; the binary protocol always tells them.
    fn is_comparable(&self, bytes: &[u8]) -> bool {
        let tells = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
        let words: [&[u8]; 8] = [
            b"gets", b"gats", b"cas", b"me", b" c", b"C", b"stats", b"\x80",
        ];
        !self.depends && !words.iter().any(|word| tells(word))
    }
}
