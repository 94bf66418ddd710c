//! A bit that flips in the state between the two runs of a handler.
//!
//! 1. The state gets numbers that are found again in the server's memory.
//! 2. A breakpoint where the runtime enters a handler's body is reached twice by one request.
//! 3. Before the second run goes on, a bit of the number of free units is flipped.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::Duration;

use fault_injector::live::threads::{Event, Threads};
use fault_injector::tracer::{Stop, maps};
use nix::unistd::Pid;
use object::{Object, ObjectSymbol};
use serde_json::{Value, json};

use crate::client::ask;
use crate::server::Server;

/// Units of the article in the struck handler's state.
pub(crate) const FREE: u64 = 0x0057_0C4E_D601_D000;
pub(crate) const RESERVED: u64 = 0x0000_07A5_EED0_0000;
/// Requests after which the runtime knows how deep the handler's stack reaches.
const WARM_UP: usize = 8;
const FLIPPED: u64 = 1 << 44;

/// How the server ended, and what it held before.
#[derive(Debug)]
pub(crate) struct Struck {
    pub(crate) status: Option<i32>,
    pub(crate) stderr: String,
    pub(crate) stock: Option<Value>,
}

/// Strikes the second run of a reservation; returns the server's end and the client's answer.
pub(crate) fn in_second_run(environment: &[(&str, &str)]) -> (Struck, Option<(u16, Value)>) {
    let mut server = Server::start(environment);
    let address = server.address;
    prepare(address);
    let process = Pid::from_raw(server.child.id() as i32);
    let entry = entry_of_bodies(process);
    let places = places_of_the_stock(process);
    assert!(!places.is_empty(), "the stock was not found in memory");

    let mut threads = Threads::seize(process).expect("the server can be traced");
    threads
        .set_breakpoint(entry)
        .expect("the text can be written");
    let client = thread::spawn(move || {
        let answer = reserve(address, "gold", 1);
        let stock = ask(address, "GET", "/items/gold", Value::Null);
        (answer, stock.map(|(_, stock)| stock))
    });
    let mut runs = 0;
    while !client.is_finished() {
        match threads.poll().expect("the server is traced") {
            None => thread::sleep(Duration::from_millis(1)),
            Some(Event::Nothing) => {}
            Some(Event::Ended) => break,
            Some(Event::Reached(mut tracee)) => {
                runs += 1;
                if runs == 2 {
                    flip(process, &places);
                } else {
                    tracee.step().expect("one instruction");
                    threads
                        .set_breakpoint(entry)
                        .expect("the text can be written");
                }
                threads.resume(tracee);
            }
        }
    }
    assert!(runs >= 2, "the handler's body was entered {runs} times");
    let (answer, stock) = client.join().expect("the client ends");
    if answer.is_none() {
        // The connection is closed before the process has ended.
        while !matches!(threads.poll(), Ok(Some(Event::Ended))) {
            thread::sleep(Duration::from_millis(1));
        }
    }
    let status = match threads.end() {
        Some(Stop::Exited(status)) => Some(status),
        _ => None,
    };
    drop(threads);
    let stderr = server.stop();
    let struck = Struck {
        status,
        stderr,
        stock,
    };
    (struck, answer)
}

fn prepare(address: SocketAddr) {
    let units = json!({ "units": FREE + RESERVED });
    ask(address, "POST", "/items/gold", units).expect("an answer");
    ask(address, "POST", "/items/apple", json!({"units": 99})).expect("an answer");
    reserve(address, "gold", RESERVED).expect("an answer");
    for _ in 0..WARM_UP {
        reserve(address, "apple", 1).expect("an answer");
    }
}

fn reserve(address: SocketAddr, name: &str, units: u64) -> Option<(u16, Value)> {
    let path = format!("/items/{name}/reservations");
    ask(address, "POST", &path, json!({ "units": units }))
}

/// Where the runtime enters the bodies of handlers, in this process.
fn entry_of_bodies(process: Pid) -> u64 {
    let bytes = fs::read(Server::program()).expect("the program is readable");
    let file = object::File::parse(&*bytes).expect("the program is an object file");
    let mut symbols = file.symbols();
    let symbol = symbols.find(|symbol| symbol.name().is_ok_and(|name| name.contains("8run_body")));
    let symbol = symbol.expect("the runtime enters bodies in `run_body`");
    let program = Server::program().to_str().expect("a readable path");
    let maps = maps::of(process).expect("the server lives");
    let text = maps.iter().find(|mapping| mapping.name == program);
    text.expect("the program is mapped").start + symbol.address()
}

/// Where free units lie beside reserved ones: in the state, and where answers were that are gone.
fn places_of_the_stock(process: Pid) -> Vec<u64> {
    let memory = File::open(format!("/proc/{process}/mem")).expect("our child's memory");
    let mut places = Vec::new();
    for mapping in maps::of(process).expect("the server lives") {
        let mut bytes = vec![0; (mapping.end - mapping.start) as usize];
        if !mapping.writable || memory.read_exact_at(&mut bytes, mapping.start).is_err() {
            continue;
        }
        let words: Vec<u64> = bytes
            .as_chunks::<8>()
            .0
            .iter()
            .map(|word| u64::from_le_bytes(*word))
            .collect();
        for (index, pair) in words.windows(2).enumerate() {
            let at = mapping.start + 8 * index as u64;
            match pair {
                [FREE, RESERVED] => places.push(at),
                [RESERVED, FREE] => places.push(at + 8),
                _ => {}
            }
        }
    }
    places
}

fn flip(process: Pid, places: &[u64]) {
    let mut options = File::options();
    let memory = options.write(true).open(format!("/proc/{process}/mem"));
    let memory = memory.expect("our child's memory");
    for &place in places {
        let wrong = (FREE ^ FLIPPED).to_le_bytes();
        memory.write_all_at(&wrong, place).expect("it was readable");
    }
}
