//! Calls handlers the way the event loop does, on any number of shards.

use asc_memcached::protocol::frame::{Frame, Framer};
use asc_memcached::{Disposition, KeyHasher, Placement, Shard, ShardLimits};
use asc_runtime::{Input, Output};

/// A time at which nothing special happens: 2023-11-14.
pub(crate) const START: u32 = 1_700_000_000;

/// All shards of a cache, and a clock.
pub(crate) struct Cache {
    pub(crate) shards: Vec<Shard>,
    pub(crate) now: u32,
    /// Handlers called so far.
    pub(crate) handlers: u64,
}

/// What a client sees of one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) bytes: Vec<u8>,
    pub(crate) closes: bool,
    /// The request was for statistics, which are not written by the shard.
    pub(crate) statistics: bool,
}

impl Cache {
    pub(crate) fn new(shards: u16, limits: ShardLimits) -> Self {
        let hasher = KeyHasher::with_seed(42);
        let shard = |number| Shard::new(limits, Placement::new(hasher.clone(), number, shards));
        Self {
            shards: (0..shards).map(shard).collect(),
            now: START,
            handlers: 0,
        }
    }

    /// Executes one framed request.
    pub(crate) fn execute(&mut self, request: &[u8]) -> Answer {
        let input = Input::seal(request);
        let mut output = Output::new();
        let (mut shard, mut at) = (0, 0);
        let disposition = loop {
            self.handlers += 1;
            let handler = &mut self.shards[shard];
            let disposition = match at {
                0 => handler.handle(self.now, &input, &mut output),
                _ => handler.resume(self.now, &input, at, &mut output),
            };
            let Disposition::Continue {
                shard: next,
                at: position,
            } = disposition
            else {
                break disposition;
            };
            let next = (usize::from(next), position as usize);
            assert!(next != (shard, at), "no progress");
            (shard, at) = next;
        };
        if matches!(
            disposition,
            Disposition::Everywhere | Disposition::EverywhereReset
        ) {
            for number in (0..self.shards.len()).filter(|number| *number != shard) {
                self.handlers += 1;
                self.shards[number].follow(self.now, &input);
            }
        }
        Answer {
            bytes: output.bytes().to_vec(),
            closes: disposition == Disposition::Close,
            statistics: matches!(disposition, Disposition::Statistics(_)),
        }
    }

    /// Frames and executes all of `bytes`, as they would arrive on one connection, and returns
    /// the answers to the complete requests. Stops when the connection would be closed.
    pub(crate) fn converse(&mut self, mut bytes: &[u8]) -> Vec<Answer> {
        let mut framer = Framer::new(ShardLimits::default().item_bytes);
        let mut answers = Vec::new();
        loop {
            match framer.next(bytes) {
                Frame::Request { length, discard } => {
                    assert!(length > 0, "a request has at least its line end");
                    let answer = self.execute(&bytes[..length]);
                    let closes = answer.closes;
                    answers.push(answer);
                    if closes {
                        return answers;
                    }
                    bytes = &bytes[(length + discard).min(bytes.len())..];
                }
                Frame::Incomplete { needed } => {
                    assert!(needed > bytes.len(), "what is incomplete needs more");
                    return answers;
                }
                Frame::Hangup => {
                    answers.push(Answer {
                        bytes: Vec::new(),
                        closes: true,
                        statistics: false,
                    });
                    return answers;
                }
            }
        }
    }
}
