//! A server whose fate is known for every fault: what the live backend is tested with.
//!
//! Each request runs all planted bodies; the injector is told which one to strike. Whatever a body
//! gives back wrongly makes the reply wrong. Else the request is answered as memcached answers it.
//!
//! With `--line THREADS`, so many threads start one another as soon as the server listens.

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

#[path = "../bodies.rs"]
mod bodies;

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let store = Arc::new(Mutex::new(Store {
        word: bodies::planted_address(),
        ..Store::default()
    }));
    if let Some(path) = std::env::var_os("MEMCACHED_PORT_FILENAME") {
        let line = format!("TCP INET: {}\n", listener.local_addr()?.port());
        std::fs::write(path, line)?;
    }
    start_in_line(threads_in_line());
    for stream in listener.incoming() {
        let (stream, store) = (stream?, Arc::clone(&store));
        thread::spawn(move || serve(&stream, &store));
    }
    Ok(())
}

fn threads_in_line() -> usize {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--line");
    let count = arguments.nth(1).and_then(|count| count.parse().ok());
    count.unwrap_or(0)
}

/// Each thread starts the next one and stays.
fn start_in_line(count: usize) {
    if count > 0 {
        thread::spawn(move || {
            start_in_line(count - 1);
            loop {
                thread::park();
            }
        });
    }
}

fn serve(stream: &TcpStream, store: &Mutex<Store>) -> io::Result<()> {
    let mut lines = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut value = Vec::new();
        if let ["set" | "add" | "replace" | "append", _, _, _, _] = words[..] {
            lines.read_until(b'\n', &mut value)?;
            value.truncate(value.len() - 2);
        }
        let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
        let right = store.bodies_are_right();
        let reply = store.answer(&words, value);
        drop(store);
        (&*stream).write_all(if right { &reply } else { b"WRONG\r\n" })?;
    }
}

#[derive(Default)]
struct Store {
    items: HashMap<String, (String, Vec<u8>)>,
    counters: HashMap<&'static str, u64>,
    requests: u64,
    /// What [`bodies::STATE`] must hold.
    state: u64,
    /// What [`bodies::planted_address`] must answer.
    word: u64,
}

impl Store {
    fn bodies_are_right(&mut self) -> bool {
        self.requests += 1;
        let number = self.requests.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.state ^= number;
        let answered = [
            bodies::planted_never(number) ^ number,
            bodies::planted_vector(number) ^ number,
            bodies::planted_latent(number),
            bodies::planted_masked(number),
            bodies::planted_detects(number, number),
            bodies::planted_hangs(number, number),
            bodies::planted_jumps(0),
            bodies::planted_crashes(0),
            bodies::planted_address() ^ self.word,
        ];
        answered == [0; 9]
    }

    fn answer(&mut self, words: &[&str], value: Vec<u8>) -> Vec<u8> {
        match *words {
            ["get", ref keys @ ..] => return self.get(keys),
            ["stats"] => return self.statistics(),
            [
                command @ ("set" | "add" | "replace" | "append"),
                key,
                flags,
                ..,
            ] => self.store(command, key, flags, value),
            ["incr", key, by] => match self.count("incr", key) {
                Some((_, value)) => {
                    let old: u64 = String::from_utf8_lossy(value).parse().unwrap_or(0);
                    *value = (old + by.parse::<u64>().unwrap_or(0)).to_string().into();
                    return [value, &b"\r\n"[..]].concat();
                }
                None => "NOT_FOUND\r\n",
            },
            ["touch", key, _] => match self.count("touch", key) {
                Some(_) => "TOUCHED\r\n",
                None => "NOT_FOUND\r\n",
            },
            ["delete", key] => match self.count("delete", key).is_some() {
                true => {
                    self.items.remove(key);
                    "DELETED\r\n"
                }
                false => "NOT_FOUND\r\n",
            },
            _ => "ERROR\r\n",
        }
        .into()
    }

    fn get(&mut self, keys: &[&str]) -> Vec<u8> {
        let mut reply = Vec::new();
        for key in keys {
            if let Some((flags, value)) = self.count("get", key) {
                let line = format!("VALUE {key} {flags} {}\r\n", value.len());
                reply.extend_from_slice(&[line.as_bytes(), value, b"\r\n"].concat());
            }
        }
        reply.extend_from_slice(b"END\r\n");
        reply
    }

    fn store(&mut self, command: &str, key: &str, flags: &str, value: Vec<u8>) -> &'static str {
        let known = self.items.get_mut(key);
        match (command, known) {
            ("add", Some(_)) | ("replace" | "append", None) => return "NOT_STORED\r\n",
            ("append", Some((_, old))) => old.extend_from_slice(&value),
            _ => {
                self.items.insert(key.to_owned(), (flags.to_owned(), value));
            }
        }
        "STORED\r\n"
    }

    /// The item, with the hit or the miss counted.
    fn count(&mut self, command: &str, key: &str) -> Option<&mut (String, Vec<u8>)> {
        let item = self.items.get_mut(key);
        let counter = match (command, item.is_some()) {
            ("get", true) => "get_hits",
            ("get", false) => "get_misses",
            ("incr", true) => "incr_hits",
            ("incr", false) => "incr_misses",
            ("touch", true) => "touch_hits",
            ("touch", false) => "touch_misses",
            (_, true) => "delete_hits",
            (_, false) => "delete_misses",
        };
        *self.counters.entry(counter).or_default() += 1;
        item
    }

    fn statistics(&mut self) -> Vec<u8> {
        // A wrong state behind right replies shows here.
        let state = u64::from(bodies::STATE.load(Relaxed) != self.state);
        let items = self.items.len() as u64 + state;
        let names = [
            "get_hits",
            "get_misses",
            "incr_hits",
            "incr_misses",
            "touch_hits",
            "touch_misses",
            "delete_hits",
            "delete_misses",
        ];
        let mut text = format!("STAT curr_items {items}\r\n");
        for name in names {
            let count = self.counters.get(name).unwrap_or(&0);
            text.push_str(&format!("STAT {name} {count}\r\n"));
        }
        (text + "END\r\n").into()
    }
}
