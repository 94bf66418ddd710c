//! Items around the size limit.

use crate::running_server::{Client, RunningServer};

/// The largest value that memcached accepts for a key of one byte without flags.
const VALUE_BYTES_MAX: usize = (1 << 20) - 60;

fn set(key: &str, length: usize) -> Vec<u8> {
    let mut request = format!("set {key} 0 0 {length}\r\n").into_bytes();
    request.extend(value(length));
    request.extend(b"\r\n");
    request
}

fn value(length: usize) -> Vec<u8> {
    (0..length)
        .map(|position| (position * 31 + position / 997) as u8)
        .collect()
}

fn found(key: &str, length: usize) -> Vec<u8> {
    let mut reply = format!("VALUE {key} 0 {length}\r\n").into_bytes();
    reply.extend(value(length));
    reply.extend(b"\r\n");
    reply
}

fn expect_found(client: &mut Client, key: &str, length: usize) {
    client.expect([&found(key, length)[..], b"END\r\n"].concat());
}

#[test]
fn the_largest_item_is_stored_and_a_larger_one_is_not() {
    let server = RunningServer::start(&["-t", "1"]);
    let mut client = server.connect();
    client.ask(set("a", VALUE_BYTES_MAX), "STORED\r\n");
    client.send("get a\r\n");
    expect_found(&mut client, "a", VALUE_BYTES_MAX);
    client.ask(
        set("a", VALUE_BYTES_MAX + 1),
        "SERVER_ERROR object too large for cache\r\n",
    );
    client.ask("get a\r\n", "END\r\n");
}

#[test]
fn data_that_is_far_too_large_is_discarded() {
    let server = RunningServer::start(&["-t", "1"]);
    let mut client = server.connect();
    client.ask("set a 0 0 1\r\nx\r\n", "STORED\r\n");
    let refusal = "SERVER_ERROR object too large for cache\r\n";
    client.ask(set("a", 20 << 20), refusal);
    client.ask("get a\r\n", "END\r\n");
    client.ask("set a 0 0 1\r\nx\r\n", "STORED\r\n");
    let replace = set("a", 2 << 20);
    client.ask([b"replace", &replace[3..]].concat(), refusal);
    client.ask("get a\r\n", "VALUE a 0 1\r\nx\r\nEND\r\n");
    let silent = "set b 0 0 1100000 noreply\r\n";
    client.send([silent.as_bytes(), &value(1_100_000), b"\r\nget b\r\n"].concat());
    client.expect("END\r\n");
}

#[test]
fn appending_stops_at_the_limit() {
    let server = RunningServer::start(&["-t", "1"]);
    let mut client = server.connect();
    client.ask(set("a", VALUE_BYTES_MAX - 1), "STORED\r\n");
    client.ask("append a 0 0 2\r\nxy\r\n", "NOT_STORED\r\n");
    client.ask("append a 0 0 1\r\nx\r\n", "STORED\r\n");
    client.ask("prepend a 0 0 1\r\nx\r\n", "NOT_STORED\r\n");
}

#[test]
fn sizes_around_the_buffers_survive() {
    let server = RunningServer::start(&["-t", "2"]);
    let mut client = server.connect();
    let mut expected = Vec::new();
    let mut keys = String::new();
    for size in [1000, 4096, 16_384, 65_536, 131_072, 262_144] {
        for length in size - 40..size + 3 {
            let key = format!("key{length}");
            if length % 5 == 0 {
                keys += &format!(" {key}");
                expected.extend(found(&key, length));
            }
            client.ask(set(&key, length), "STORED\r\n");
            client.send(format!("get {key}\r\n"));
            expect_found(&mut client, &key, length);
        }
    }
    expected.extend(b"END\r\n");
    client.ask(format!("get{keys}\r\n"), expected);
}

#[test]
fn memory_stays_within_the_limit() {
    let server = RunningServer::start(&["-t", "2", "-m", "16"]);
    let mut client = server.connect();
    for number in 0..1000 {
        client.ask(set(&format!("key{number}"), 100_000), "STORED\r\n");
    }
    client.send("get key999\r\n");
    expect_found(&mut client, "key999", 100_000);
    client.ask("get key0\r\n", "END\r\n");
    assert_eq!(client.statistic("", "limit_maxbytes"), 16 << 20);
    let bytes = client.statistic("", "bytes");
    assert!((12 << 20..=16 << 20).contains(&bytes), "{bytes}");
    let (items, evictions) = (
        client.statistic("", "curr_items"),
        client.statistic("", "evictions"),
    );
    assert_eq!(items + evictions, 1000);
}
