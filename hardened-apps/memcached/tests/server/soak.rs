//! A server under churn: connections come and go, some in the middle of a request; items expire, are
//! evicted and deleted. Every value is compared with what was stored last.
//!
//! `ASC_SOAK_SECONDS=600` makes it as long as a release deserves, `ASC_SOAK_SEED` repeats what the clients do.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::ops::AddAssign;
use std::thread;
use std::time::{Duration, Instant};

use asc_memcached_client::Client;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::running_server::RunningServer;

const SECONDS_DEFAULT: u64 = 8;
const CLIENTS: u64 = 3;
const KEYS_PER_CLIENT: u32 = 8000;
/// More than the server may keep: half of 54 MB lives at a time, of a limit of 16 MiB.
const VALUE_BYTES_MAX: usize = 4500;
const REQUESTS_PER_CONNECTION: u32 = 200;
/// Seconds that items with an end live at most.
const LIFE_SECONDS_MAX: u32 = 3;
/// Times are told in whole seconds.
const LIFE_TOLERANCE: Duration = Duration::from_secs(1);
/// The server may grow by this much after the first third of the time.
const GROWTH_BYTES_MAX: u64 = 24 << 20;

/// What came of the requests.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    hits: u64,
    misses: u64,
    expired: u64,
}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.expired += other.expired;
    }
}

/// What was stored last under a key.
#[derive(Debug)]
struct Stored {
    seed: u64,
    length: usize,
    /// When it must be gone.
    gone_at: Option<Instant>,
}

impl Stored {
    fn value(&self) -> Vec<u8> {
        let mut value = vec![0; self.length];
        ChaCha8Rng::seed_from_u64(self.seed).fill_bytes(&mut value);
        value
    }
}

/// A client with keys of its own, so that it knows what it must read.
struct Owner {
    address: SocketAddr,
    number: u64,
    random: ChaCha8Rng,
    stored: HashMap<u32, Stored, foldhash::fast::FixedState>,
    seen: Seen,
}

impl Owner {
    fn work_until(mut self, end: Instant) -> Seen {
        while Instant::now() < end {
            let mut client = Client::connect(self.address).expect("a connection");
            for _ in 0..REQUESTS_PER_CONNECTION {
                self.one_request(&mut client);
            }
        }
        self.seen
    }

    fn key(&self, key: u32) -> Vec<u8> {
        format!("client{}:{key}", self.number).into_bytes()
    }

    fn one_request(&mut self, client: &mut Client) {
        let key = self.random.random_range(0..KEYS_PER_CLIENT);
        match self.random.random_range(0..100) {
            0..40 => self.get(client, &[key]),
            40..50 => {
                let keys: Vec<u32> = (key..KEYS_PER_CLIENT).take(20).collect();
                self.get(client, &keys);
            }
            50..92 => self.set(client, key),
            _ => {
                let existed = client.delete(&self.key(key)).expect("an answer");
                assert!(self.stored.remove(&key).is_some() || !existed);
            }
        }
    }

    fn set(&mut self, client: &mut Client, key: u32) {
        let seconds = match self.random.random_range(0..2) {
            0 => 0,
            _ => self.random.random_range(1..=LIFE_SECONDS_MAX),
        };
        let stored = Stored {
            seed: self.random.next_u64(),
            length: self.random.random_range(0..VALUE_BYTES_MAX),
            gone_at: None,
        };
        client
            .set(&self.key(key), &stored.value(), seconds)
            .expect("stored");
        let life = Duration::from_secs(seconds.into());
        let gone_at = (seconds > 0).then(|| Instant::now() + life + LIFE_TOLERANCE);
        self.stored.insert(key, Stored { gone_at, ..stored });
    }

    /// Evicted items may be missing; nothing may be there that was not stored last.
    fn get(&mut self, client: &mut Client, keys: &[u32]) {
        let names: Vec<Vec<u8>> = keys.iter().map(|key| self.key(*key)).collect();
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let asked_at = Instant::now();
        let values = client.get_many(&names).expect("answers");
        for (key, value) in keys.iter().zip(values) {
            let stored = self.stored.get(key);
            let gone = stored.is_some_and(|it| it.gone_at.is_some_and(|at| at < asked_at));
            match (value, stored) {
                (Some(value), Some(stored)) => {
                    assert!(!gone, "key {key} lives too long");
                    assert!(value == stored.value(), "key {key} has another value");
                    self.seen.hits += 1;
                }
                (Some(_), None) => panic!("key {key} was deleted"),
                (None, _) if gone => self.seen.expired += 1,
                (None, _) => self.seen.misses += 1,
            }
        }
    }
}

/// Opens connections and leaves them in the middle of something.
fn disturb_until(address: SocketAddr, mut random: ChaCha8Rng, end: Instant) {
    let beginnings: [&[u8]; 7] = [
        b"",
        b"get ",
        b"set left:1 0 0 1000\r\nabc",
        b"ms left:2 3 T1\r\nab",
        b"\x80\x01\x00\x03",
        b"set left:3 0 0 1\r\nx\r\nget left:3 left:4\r\nget",
        b"bogus\r\nGET / HTTP/1.1\r\n\r\n",
    ];
    while Instant::now() < end {
        let mut stream = std::net::TcpStream::connect(address).expect("a connection");
        let beginning = beginnings[random.random_range(0..beginnings.len())];
        stream.write_all(beginning).expect("sent");
        if random.random_range(0..3) == 0 {
            thread::sleep(Duration::from_millis(random.random_range(0..5)));
        }
    }
}

/// Bytes of main memory that the process occupies.
fn resident_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.expect("a number of kB") * 1024
}

fn number(variable: &str, otherwise: u64) -> u64 {
    match std::env::var(variable) {
        Err(_) => otherwise,
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{variable} is {text}, not a number")),
    }
}

#[test]
fn no_value_is_wrong_and_no_memory_is_lost() {
    let seconds = number("ASC_SOAK_SECONDS", SECONDS_DEFAULT);
    let seed = number("ASC_SOAK_SEED", std::process::id().into());
    println!("ASC_SOAK_SECONDS={seconds} ASC_SOAK_SEED={seed}");
    // Small items, so that two shards fit.
    let options = ["-t", "2", "-m", "16", "-I", "16k", "-c", "500"];
    let mut server = RunningServer::start(&options);
    let end = Instant::now() + Duration::from_secs(seconds);
    let (address, pid) = (server.address, server.pid());
    let random = |number| ChaCha8Rng::seed_from_u64(seed.wrapping_add(number));
    let (seen, early_bytes) = thread::scope(|scope| {
        let owners: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let owner = Owner {
                    address,
                    number,
                    random: random(number),
                    stored: HashMap::default(),
                    seen: Seen::default(),
                };
                scope.spawn(move || owner.work_until(end))
            })
            .collect();
        scope.spawn(|| disturb_until(address, random(CLIENTS), end));
        thread::sleep(Duration::from_secs(seconds) / 3);
        let early_bytes = resident_bytes(pid);
        let mut seen = Seen::default();
        for owner in owners {
            seen += owner.join().expect("a client that found nothing wrong");
        }
        (seen, early_bytes)
    });
    println!("{seen:?}");
    assert!(
        seen.hits > 0 && seen.misses > 0 && seen.expired > 0,
        "{seen:?}"
    );
    let late_bytes = resident_bytes(pid);
    assert!(
        late_bytes <= early_bytes + GROWTH_BYTES_MAX,
        "it grew from {early_bytes} to {late_bytes} bytes"
    );
    let mut client = server.connect();
    assert!(client.statistic("", "evictions") > 0);
    assert_eq!(client.statistic("asc", "asc_faults"), 0);
    client.ask("set last 0 0 1\r\nx\r\n", "STORED\r\n");
    let pid = Pid::from_raw(pid.try_into().expect("a process number"));
    client.send("get last\r\n");
    client.expect("VALUE last 0 1\r\nx\r\nEND\r\n");
    kill(pid, Signal::SIGUSR1).expect("the server lives");
    assert!(server.wait().success());
}
