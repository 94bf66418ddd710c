//! The real binary, driven over TCP. The same tests run against the plain and the hardened build.

mod running_server;

mod back_pressure;
mod checksums;
mod connections;
mod conversations;
mod executions;
mod large_items;
mod metrics;
mod options;
mod pylibmc;
mod pymemcache;
mod python;
mod rust_client;
mod shards;
mod soak;
mod transports;
