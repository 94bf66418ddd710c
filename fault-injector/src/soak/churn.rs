//! Connections that are left in the middle of something.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// Longest time that such a connection stays open, in milliseconds.
const MILLISECONDS_MAX: u64 = 8;
const BEGINNINGS: [&[u8]; 7] = [
    b"",
    b"get ",
    b"set left:1 0 0 1000\r\nabc",
    b"ms left:2 3 T1\r\nab",
    b"\x80\x01\x00\x03",
    b"set left:3 0 0 1\r\nx\r\nget left:3 left:4\r\nget",
    b"bogus\r\nGET / HTTP/1.1\r\n\r\n",
];

/// Goes on until it is told to stop, or nobody listens any more.
pub fn churn(address: SocketAddr, mut random: ChaCha8Rng, over: &AtomicBool) {
    while !over.load(Relaxed) {
        let Ok(mut stream) = TcpStream::connect(address) else {
            return;
        };
        let beginning = BEGINNINGS[random.random_range(0..BEGINNINGS.len())];
        // The server may end at any time.
        let _ = stream.write_all(beginning);
        thread::sleep(Duration::from_millis(
            random.random_range(0..MILLISECONDS_MAX),
        ));
    }
}
