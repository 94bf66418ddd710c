//! What the clients ask and what every reply must be: drawn from a seed, before any server runs.
//!
//! The protocol is memcached's classic one. Each connection has keys of its own and waits for each
//! reply, so that every reply follows from the script alone. The last client, behind all others, reads
//! every key and the server's counters: that is the state that was left.

use std::collections::BTreeMap;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::trace::crc32c;

/// Keys of one connection.
const KEYS: usize = 16;
/// The first of those hold numbers.
const NUMBERS: usize = 4;
const VALUE_BYTES: std::ops::Range<usize> = 8..160;
/// Scripts are drawn from streams of the seed that no injection uses.
const STREAM: u64 = 1 << 62;

/// A request and its reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// As it is sent.
    pub request: Vec<u8>,
    /// What must come back.
    pub reply: Reply,
}

/// What must come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// These bytes.
    Exactly(Vec<u8>),
    /// Lines `STAT name value` up to `END`, among them these.
    Statistics(Vec<(&'static str, u64)>),
}

/// Everything that is asked in one life of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// What each connection asks.
    pub connections: Vec<Vec<Exchange>>,
    /// What is asked behind all of them.
    pub sweep: Vec<Exchange>,
}

impl Script {
    /// Draws a script of `requests` requests on each of `connections` connections.
    pub fn draw(seed: u64, connections: usize, requests: usize) -> Self {
        let mut counters = Counters::default();
        let mut sweep = Vec::new();
        let connections = (0..connections)
            .map(|number| {
                let mut random = ChaCha8Rng::seed_from_u64(seed);
                random.set_stream(STREAM | number as u64);
                let mut client = Client {
                    number,
                    random,
                    items: BTreeMap::new(),
                    counters: &mut counters,
                };
                let exchanges = (0..requests)
                    .map(|at| {
                        if at < KEYS {
                            client.set(at)
                        } else {
                            client.any()
                        }
                    })
                    .collect();
                sweep.extend((0..KEYS).map(|key| client.get(&[key])));
                let left = client.items.len() as u64;
                counters.items += left;
                exchanges
            })
            .collect();
        sweep.push(Exchange {
            request: b"stats\r\n".to_vec(),
            reply: Reply::Statistics(counters.named()),
        });
        Self { connections, sweep }
    }

    /// Requests of all connections together, without the sweep.
    pub fn requests(&self) -> u64 {
        self.connections.iter().map(|each| each.len() as u64).sum()
    }

    /// CRC32C of all that is asked.
    pub fn checksum(&self) -> u32 {
        let asked = self.connections.iter().flatten().chain(&self.sweep);
        crc32c(
            &asked
                .flat_map(|exchange| exchange.request.iter().copied())
                .collect::<Vec<u8>>(),
        )
    }
}

/// What the server must have counted in the end.
#[derive(Debug, Default)]
struct Counters {
    items: u64,
    get_hits: u64,
    get_misses: u64,
    delete_hits: u64,
    delete_misses: u64,
    incr_hits: u64,
    incr_misses: u64,
    touch_hits: u64,
    touch_misses: u64,
}

impl Counters {
    fn named(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("curr_items", self.items),
            ("get_hits", self.get_hits),
            ("get_misses", self.get_misses),
            ("delete_hits", self.delete_hits),
            ("delete_misses", self.delete_misses),
            ("incr_hits", self.incr_hits),
            ("incr_misses", self.incr_misses),
            ("touch_hits", self.touch_hits),
            ("touch_misses", self.touch_misses),
        ]
    }
}

/// One connection's requests, and the items that they leave.
struct Client<'a> {
    number: usize,
    random: ChaCha8Rng,
    /// Flags and value by key.
    items: BTreeMap<usize, (u32, Vec<u8>)>,
    counters: &'a mut Counters,
}

impl Client<'_> {
    fn any(&mut self) -> Exchange {
        let key = self.random.random_range(0..KEYS);
        let number = self.random.random_range(0..NUMBERS);
        match self.random.random_range(0..20) {
            0..=7 => self.get(&[key]),
            8 => self.get(&[key, (key + 5) % KEYS, (key + 9) % KEYS]),
            9..=12 => self.set(key),
            13 => self.add(key),
            14 => self.append(key),
            15 | 16 => self.increase(number),
            17 => self.delete(key),
            18 => self.touch(key),
            _ => self.replace(key),
        }
    }

    fn get(&mut self, keys: &[usize]) -> Exchange {
        let names: Vec<String> = keys.iter().map(|key| self.name(*key)).collect();
        let mut reply = Vec::new();
        for (key, name) in keys.iter().zip(&names) {
            match self.items.get(key) {
                None => self.counters.get_misses += 1,
                Some((flags, value)) => {
                    self.counters.get_hits += 1;
                    reply.extend_from_slice(
                        format!("VALUE {name} {flags} {}\r\n", value.len()).as_bytes(),
                    );
                    reply.extend_from_slice(value);
                    reply.extend_from_slice(b"\r\n");
                }
            }
        }
        reply.extend_from_slice(b"END\r\n");
        Exchange {
            request: format!("get {}\r\n", names.join(" ")).into_bytes(),
            reply: Reply::Exactly(reply),
        }
    }

    fn set(&mut self, key: usize) -> Exchange {
        let (flags, value) = self.value(key);
        let request = self.store("set", key, flags, &value);
        self.items.insert(key, (flags, value));
        answered(request, "STORED")
    }

    fn add(&mut self, key: usize) -> Exchange {
        let (flags, value) = self.value(key);
        let request = self.store("add", key, flags, &value);
        if self.items.contains_key(&key) {
            return answered(request, "NOT_STORED");
        }
        self.items.insert(key, (flags, value));
        answered(request, "STORED")
    }

    fn replace(&mut self, key: usize) -> Exchange {
        let (flags, value) = self.value(key);
        let request = self.store("replace", key, flags, &value);
        match self.items.get_mut(&key) {
            None => answered(request, "NOT_STORED"),
            Some(item) => {
                *item = (flags, value);
                answered(request, "STORED")
            }
        }
    }

    /// Never to a number.
    fn append(&mut self, key: usize) -> Exchange {
        const TAIL: &[u8] = b"-tail";
        let key = key.max(NUMBERS);
        let request = self.store("append", key, 0, TAIL);
        match self.items.get_mut(&key) {
            None => answered(request, "NOT_STORED"),
            Some((_, value)) => {
                value.extend_from_slice(TAIL);
                answered(request, "STORED")
            }
        }
    }

    fn increase(&mut self, key: usize) -> Exchange {
        let by: u64 = self.random.random_range(1..1 << 40);
        let request = format!("incr {} {by}\r\n", self.name(key));
        match self.items.get_mut(&key) {
            None => {
                self.counters.incr_misses += 1;
                answered(request, "NOT_FOUND")
            }
            Some((_, value)) => {
                self.counters.incr_hits += 1;
                let old: u64 = String::from_utf8_lossy(value).parse().unwrap_or(0);
                let new = (old + by).to_string();
                *value = new.clone().into_bytes();
                answered(request, &new)
            }
        }
    }

    fn delete(&mut self, key: usize) -> Exchange {
        let request = format!("delete {}\r\n", self.name(key));
        match self.items.remove(&key) {
            None => {
                self.counters.delete_misses += 1;
                answered(request, "NOT_FOUND")
            }
            Some(_) => {
                self.counters.delete_hits += 1;
                answered(request, "DELETED")
            }
        }
    }

    fn touch(&mut self, key: usize) -> Exchange {
        let request = format!("touch {} 0\r\n", self.name(key));
        if self.items.contains_key(&key) {
            self.counters.touch_hits += 1;
            return answered(request, "TOUCHED");
        }
        self.counters.touch_misses += 1;
        answered(request, "NOT_FOUND")
    }

    fn store(&self, command: &str, key: usize, flags: u32, value: &[u8]) -> Vec<u8> {
        let name = self.name(key);
        let line = format!("{command} {name} {flags} 0 {}\r\n", value.len());
        [line.as_bytes(), value, b"\r\n"].concat()
    }

    fn value(&mut self, key: usize) -> (u32, Vec<u8>) {
        let flags = self.random.random_range(0..1000);
        if key < NUMBERS {
            let number: u64 = self.random.random_range(0..1 << 40);
            return (flags, number.to_string().into_bytes());
        }
        let length = self.random.random_range(VALUE_BYTES);
        let value = (0..length).map(|_| self.random.random_range(b'a'..=b'z'));
        (flags, value.collect())
    }

    fn name(&self, key: usize) -> String {
        format!("connection-{}-key-{key}", self.number)
    }
}

fn answered(request: impl Into<Vec<u8>>, line: &str) -> Exchange {
    Exchange {
        request: request.into(),
        reply: Reply::Exactly(format!("{line}\r\n").into_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_asks_the_same() {
        let script = Script::draw(1, 3, 40);
        assert_eq!(script, Script::draw(1, 3, 40));
        assert_ne!(script.checksum(), Script::draw(2, 3, 40).checksum());
        assert_eq!(script.requests(), 120);
        assert_eq!(
            script.connections[0][0].reply,
            script.connections[1][0].reply
        );
        assert_ne!(
            script.connections[0][0].request,
            script.connections[1][0].request
        );
    }

    #[test]
    fn short_scripts_leave_what_they_stored() {
        let script = Script::draw(1, 2, 3);
        let Some(Reply::Statistics(wanted)) = script.sweep.last().map(|last| &last.reply) else {
            panic!("the last request asks for the counters");
        };
        assert!(wanted.contains(&("curr_items", 6)), "{wanted:?}");
        assert!(wanted.contains(&("get_hits", 6)), "{wanted:?}");
    }
}
