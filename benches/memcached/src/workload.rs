//! What clients ask, prepared in advance so that the generator does nothing but send and receive.
//!
//! Every key is present and all values have one length, so that the length of every reply is known
//! before it is asked for.

use std::ops::Range;

use clap::ValueEnum;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// Requests of a pipeline, and keys of a multiget.
pub(crate) const BATCH: usize = 16;
/// Nine of ten requests are retrievals.
const SETS_PERCENT: u32 = 10;
/// Exchanges prepared; the connections go around them.
const EXCHANGES: usize = 2048;
const SEED: u64 = 0x5eed;

/// How clients ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Pattern {
    /// One request, then its reply
    Unpipelined,
    /// 16 requests, then their replies
    Pipelined,
    /// 16 keys in one `get`, or one `set`
    Multiget,
}

impl Pattern {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unpipelined => "unpipelined",
            Self::Pipelined => "pipelined 16",
            Self::Multiget => "multiget 16",
        }
    }
}

/// One request of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Request {
    Get(Vec<u32>),
    Set(u32),
}

/// What is sent at once, and what must come back.
#[derive(Debug)]
pub(crate) struct Exchange {
    requests: Vec<Request>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) reply_length: usize,
    /// Keys that are read or written.
    pub(crate) operations: u64,
}

/// The exchanges of one load.
#[derive(Debug)]
pub(crate) struct Workload {
    value_bytes: usize,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) reply_length_max: usize,
}

impl Workload {
    /// Exchanges about `keys` keys with values of `value_bytes`, the same in every process.
    pub(crate) fn new(pattern: Pattern, value_bytes: usize, keys: u32) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(SEED);
        let exchanges: Vec<Exchange> = (0..EXCHANGES)
            .map(|_| Exchange::new(draw(pattern, keys, &mut random), value_bytes))
            .collect();
        let reply_length_max = exchanges.iter().map(|exchange| exchange.reply_length).max();
        Self {
            value_bytes,
            exchanges,
            reply_length_max: reply_length_max.unwrap_or(0),
        }
    }

    /// The whole reply to an exchange.
    pub(crate) fn reply(&self, exchange: &Exchange) -> Vec<u8> {
        let mut reply = Vec::with_capacity(exchange.reply_length);
        for request in &exchange.requests {
            match request {
                Request::Get(keys) => {
                    for key in keys {
                        append_item(&mut reply, *key, self.value_bytes);
                    }
                    reply.extend_from_slice(b"END\r\n");
                }
                Request::Set(_) => reply.extend_from_slice(b"STORED\r\n"),
            }
        }
        reply
    }
}

/// Requests that store the keys of a range, and their replies.
pub(crate) fn fill(keys: Range<u32>, value_bytes: usize) -> (Vec<u8>, Vec<u8>) {
    let mut requests = Vec::new();
    let count = keys.len();
    for key in keys {
        append_set(&mut requests, key, value_bytes);
    }
    (requests, b"STORED\r\n".repeat(count))
}

fn draw(pattern: Pattern, keys: u32, random: &mut ChaCha8Rng) -> Vec<Request> {
    let count = if pattern == Pattern::Pipelined {
        BATCH
    } else {
        1
    };
    let keys_per_get = if pattern == Pattern::Multiget {
        BATCH
    } else {
        1
    };
    (0..count)
        .map(|_| {
            if random.random_range(0..100) < SETS_PERCENT {
                return Request::Set(random.random_range(0..keys));
            }
            let key = |_| random.random_range(0..keys);
            Request::Get((0..keys_per_get).map(key).collect())
        })
        .collect()
}

impl Exchange {
    fn new(requests: Vec<Request>, value_bytes: usize) -> Self {
        let (mut bytes, mut reply_length, mut operations) = (Vec::new(), 0, 0);
        for request in &requests {
            match request {
                Request::Get(keys) => {
                    bytes.extend_from_slice(b"get");
                    for key in keys {
                        bytes.push(b' ');
                        append_key(&mut bytes, *key);
                        reply_length += item_length(value_bytes);
                    }
                    bytes.extend_from_slice(b"\r\n");
                    reply_length += b"END\r\n".len();
                    operations += keys.len() as u64;
                }
                Request::Set(key) => {
                    append_set(&mut bytes, *key, value_bytes);
                    reply_length += b"STORED\r\n".len();
                    operations += 1;
                }
            }
        }
        Self {
            requests,
            bytes,
            reply_length,
            operations,
        }
    }
}

fn append_key(bytes: &mut Vec<u8>, key: u32) {
    bytes.extend_from_slice(format!("key:{key:012}").as_bytes());
}

fn append_set(bytes: &mut Vec<u8>, key: u32, value_bytes: usize) {
    bytes.extend_from_slice(b"set ");
    append_key(bytes, key);
    bytes.extend_from_slice(format!(" 0 0 {value_bytes}\r\n").as_bytes());
    append_value(bytes, key, value_bytes);
}

fn append_item(bytes: &mut Vec<u8>, key: u32, value_bytes: usize) {
    bytes.extend_from_slice(b"VALUE ");
    append_key(bytes, key);
    bytes.extend_from_slice(format!(" 0 {value_bytes}\r\n").as_bytes());
    append_value(bytes, key, value_bytes);
}

/// A value that no other key has, with its line end.
fn append_value(bytes: &mut Vec<u8>, key: u32, value_bytes: usize) {
    let word = format!("{key:010}.");
    let value = word.bytes().cycle().take(value_bytes);
    bytes.extend(value.chain(*b"\r\n"));
}

fn item_length(value_bytes: usize) -> usize {
    let mut item = Vec::new();
    append_item(&mut item, 0, value_bytes);
    item.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_reply_is_known() {
        for pattern in Pattern::value_variants() {
            let workload = Workload::new(*pattern, 100, 50);
            for exchange in &workload.exchanges {
                assert_eq!(workload.reply(exchange).len(), exchange.reply_length);
            }
        }
    }

    #[test]
    fn one_of_ten_requests_stores() {
        let workload = Workload::new(Pattern::Pipelined, 10, 50);
        let requests = workload.exchanges.iter().flat_map(|it| &it.requests);
        let sets = requests.filter(|it| matches!(it, Request::Set(_))).count();
        let share = sets as f64 / (EXCHANGES * BATCH) as f64;
        assert!((0.09..0.11).contains(&share), "{share}");
        assert!(workload.exchanges.iter().all(|it| it.operations == 16));
    }

    #[test]
    fn what_is_stored_is_what_is_read() {
        let (requests, replies) = fill(7..8, 13);
        assert_eq!(
            requests,
            b"set key:000000000007 0 0 13\r\n0000000007.00\r\n"
        );
        assert_eq!(replies, b"STORED\r\n");
        let exchange = Exchange::new(vec![Request::Get(vec![7]), Request::Set(7)], 13);
        let workload = Workload {
            value_bytes: 13,
            exchanges: Vec::new(),
            reply_length_max: 0,
        };
        assert_eq!(
            workload.reply(&exchange),
            b"VALUE key:000000000007 0 13\r\n0000000007.00\r\nEND\r\nSTORED\r\n"
        );
    }
}
