//! A memcached client that notices corruption anywhere between the client that stores a value and
//! the client that reads it: on the wire, in the server, in the server's memory.
//!
//! The convention works with every memcached of 1.6 or later, and needs nothing but its meta protocol:
//!
//! | what | how |
//! |---|---|
//! | the client flags (`F`, `f`) are the item's checksum | CRC32C of the key, exclusive or CRC32C of the value ([`item_checksum`]) |
//! | a reply belongs to its request | each request has a number, which comes back as its opaque (`O`), and the key comes back (`k`) |
//! | no reply is missing, none too many | each batch of requests ends in `mn` |
//!
//! Started with `--verify-checksums`, `asc-memcached` checks too: it refuses to store what does not match,
//! and what no longer matches when it is read counts as a miss.
//!
//! ```no_run
//! use asc_memcached_client::Client;
//!
//! let mut client = Client::connect("127.0.0.1:11211")?;
//! client.set(b"greeting", b"hello", 60)?;
//! assert_eq!(client.get(b"greeting")?.as_deref(), Some(&b"hello"[..]));
//! # Ok::<(), asc_memcached_client::Error>(())
//! ```
#![forbid(unsafe_code)]

mod client;
mod error;
mod reply;

pub use client::Client;
pub use error::Error;

use crc_fast::CrcAlgorithm::Crc32Iscsi;

/// The checksum of an item: the CRC32C of the key, exclusive or that of the value.
///
/// ```
/// use asc_memcached_client::item_checksum;
///
/// assert_eq!(item_checksum(b"", b"123456789"), 0xE306_9283);
/// assert_ne!(item_checksum(b"key", b"value"), item_checksum(b"kez", b"value"));
/// ```
pub fn item_checksum(key: &[u8], value: &[u8]) -> u32 {
    (crc_fast::checksum(Crc32Iscsi, key) ^ crc_fast::checksum(Crc32Iscsi, value)) as u32
}
