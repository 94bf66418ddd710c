//! A real client: the crate `memcache`, over the text and the binary protocol and a Unix socket.

use std::collections::HashMap;
use std::thread;

use memcache::Client;

use crate::running_server::RunningServer;

/// What an application does.
fn session(url: &str) {
    let client = Client::connect(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    client.flush().expect("flushed");
    client.set("key", "value", 0).expect("stored");
    assert_eq!(
        client.get::<String>("key").expect("got").as_deref(),
        Some("value")
    );
    assert_eq!(client.get::<String>("missing").expect("a miss"), None);
    // The client tells a refused `add` in one of the two protocols only.
    let _ = client.add("key", "other", 0);
    assert_eq!(
        client.get::<String>("key").expect("got").as_deref(),
        Some("value")
    );
    client.replace("key", "replaced", 100).expect("replaced");
    client.append("key", "!").expect("appended");
    client.prepend("key", "?").expect("prepended");
    assert_eq!(
        client.get::<String>("key").expect("got").as_deref(),
        Some("?replaced!")
    );
    client.set("number", 40, 0).expect("stored");
    assert_eq!(client.increment("number", 2).expect("incremented"), 42);
    assert_eq!(client.decrement("number", 50).expect("decremented"), 0);
    assert!(client.touch("number", 100).expect("touched"));
    let all: HashMap<String, String> = client.gets(&["key", "missing"]).expect("got");
    assert_eq!(all.len(), 1);
    let (_, _, cas): (Vec<u8>, u32, Option<u64>) = client
        .gets(&["key"])
        .expect("got")
        .remove("key")
        .expect("it is there");
    let cas = cas.expect("a unique identifier");
    assert!(client.cas("key", "swapped", 0, cas).expect("compared"));
    assert!(!client.cas("key", "again", 0, cas).expect("compared"));
    assert!(client.delete("key").expect("deleted"));
    assert!(!client.delete("key").expect("gone"));
    assert!(client.version().expect("a version")[0].1.contains("1.6.18"));
}

#[test]
fn the_crate_memcache_uses_the_server_over_both_protocols() {
    let server = RunningServer::start(&["-t", "2", "-m", "128"]);
    for protocol in ["ascii", "binary"] {
        session(&format!(
            "memcache://{}?protocol={protocol}",
            server.address
        ));
    }
}

#[test]
fn many_threads_share_the_server() {
    const THREADS: u64 = 8;
    const ROUNDS: u64 = 200;
    let server = RunningServer::start(&["-t", "2", "-m", "128"]);
    let url = format!("memcache://{}?protocol=binary", server.address);
    let client = Client::connect(url.as_str()).expect("connected");
    client.set("sum", 0, 0).expect("stored");
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let url = &url;
            scope.spawn(move || {
                let client = Client::connect(url.as_str()).expect("connected");
                for round in 0..ROUNDS {
                    let key = format!("{thread}-{round}");
                    client.set(&key, round, 0).expect("stored");
                    assert_eq!(client.get::<u64>(&key).expect("got"), Some(round));
                    client.increment("sum", 1).expect("incremented");
                }
            });
        }
    });
    assert_eq!(
        client.get::<u64>("sum").expect("got"),
        Some(THREADS * ROUNDS)
    );
}
