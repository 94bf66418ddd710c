//! The convention needs nothing of the server: stock memcached (Debian package `memcached`).

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use asc_memcached_client::{Client, Error};

const PATIENCE: Duration = Duration::from_secs(20);

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start() -> (Server, Client) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("port");
    let child = Command::new("memcached")
        .args(["-l", "127.0.0.1", "-p", "-1", "-U", "0", "-u", "root"])
        .env("MEMCACHED_PORT_FILENAME", &file)
        .stdin(Stdio::null())
        .spawn();
    let server = Server(child.expect("memcached; install the Debian package `memcached`"));
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let port = text
            .lines()
            .find_map(|line| line.strip_prefix("TCP INET: "));
        if let Some(port) = port.and_then(|port| port.parse::<u16>().ok()) {
            let client = Client::connect(("127.0.0.1", port)).expect("a connection");
            return (server, client);
        }
        assert!(Instant::now() < deadline, "memcached does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn values_come_back() {
    let (_server, mut client) = start();
    let large = vec![7; 500_000];
    let values: [(&[u8], &[u8]); 4] = [
        (b"empty", b""),
        (b"lines", b"a\r\nEN\r\nMN\r\n"),
        (b"bytes", &[0, 255, 13, 10]),
        (b"large", &large),
    ];
    for (key, value) in values {
        client.set(key, value, 0).expect("stored");
        assert_eq!(client.get(key).expect("read").as_deref(), Some(value));
    }
    let keys: Vec<&[u8]> = (0..100).flat_map(|_| values.map(|(key, _)| key)).collect();
    let read = client.get_many(&keys[..150]).expect("all");
    for (value, key) in read.iter().zip(&keys) {
        let (_, expected) = values
            .iter()
            .find(|(name, _)| name == key)
            .expect("one of them");
        assert_eq!(value.as_deref(), Some(*expected));
    }
    assert!(client.delete(b"empty").expect("an answer"));
    assert!(!client.delete(b"empty").expect("an answer"));
    assert_eq!(client.get(b"empty").expect("a miss"), None);
}

#[test]
fn a_value_too_large_is_refused() {
    let (_server, mut client) = start();
    let refused = client.set(b"huge", &vec![1; 2 << 20], 0);
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
}
