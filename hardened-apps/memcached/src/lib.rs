//! A memcached whose every request is executed twice and compared.
//!
//! The protocol core is a pure handler, [`Shard::handle`]: request bytes and state in, reply
//! bytes and state out. It reads no clock, does no I/O and takes no lock, so that it can run twice.
//! Everything that touches the world stands outside of it.
//!
//! The path of a request:
//! 1. [`server`]: a worker's event loop reads bytes of a connection.
//! 2. [`protocol::frame`] finds the end of one request: the command line and its data block.
//! 3. The worker seals the request with a checksum ([`asc_runtime::Input::seal`]).
//! 4. [`cache::shard`] parses and executes it: the handler.
//! 5. The worker sends the connection's [`asc_runtime::Output`] once no complete request is left
//!    in what was read, so that the replies to pipelined requests leave together.
//!
//! # Where it differs from memcached 1.6.18
//! - TLS, SASL and `-e` are refused at the start; `watch` is answered as if switched off.
//! - Memory is counted per item and not in slab pages: the size classes of `stats items` and
//!   `stats slabs` are bookkeeping, every item of the shard competes for eviction with every other,
//!   and more items fit. `slabs reassign` is answered as if switched off.
//! - Memory is divided evenly among the shards, at most one per thread and none smaller than 64 of
//!   the largest items (64 MiB), because the order of eviction is that of one shard.
//! - Running as root without `-u` is a warning and not an error.
//! - A delayed `flush_all` happens in its second; memcached's begins one second earlier and
//!   brings back what an earlier one had flushed and nobody had asked for.
//! - A retrieval with a key that is too long does nothing but say so; memcached has touched the
//!   keys before it, and drops replies of earlier pipelined requests.
//! - `incr` of a value with many digits never reads beyond the item; `ma` with `T` sets the time of
//!   a number that has become longer, too.
//! - A binary request with an unknown opcode is skipped as a whole, its key included.
//! - `lru_crawler metadump` behind any unsent reply is refused; memcached sends those of `get` first.
//! - `-R` limits requests only if it is given.
//!
//! # Example
//! ```
//! use asc_memcached::{KeyHasher, Placement, Shard, ShardLimits};
//! use asc_runtime::{Input, Output};
//!
//! let mut shard = Shard::new(ShardLimits::default(), Placement::sole(KeyHasher::with_seed(7)));
//! let mut output = Output::new();
//! let now = 1_700_000_000;
//! shard.handle(now, &Input::seal(b"set greeting 0 0 5\r\nhello\r\n"), &mut output);
//! shard.handle(now, &Input::seal(b"get greeting\r\n"), &mut output);
//! assert_eq!(output.bytes(), b"STORED\r\nVALUE greeting 0 5\r\nhello\r\nEND\r\n");
//! ```
#![forbid(unsafe_code)]

pub mod cache;
pub mod options;
pub mod protocol;
pub mod server;
pub mod statistics;

pub use cache::counters::Counters;
pub use cache::disposition::Disposition;
pub use cache::inspection::ItemView;
pub use cache::placement::{KeyHasher, Placement};
pub use cache::shard::{Shard, ShardLimits};

/// What `version` and `stats` answer: the memcached release whose behaviour is followed.
pub const PROTOCOL_VERSION: &str = "1.6.18-asc";
