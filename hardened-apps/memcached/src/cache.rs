//! The cache: everything that the handler reads and writes.
//!
//! Bottom up: `paged` vectors hold the `slots` of items and the buckets of the `index`; the
//! `lru` list is threaded through the slots; `memory` counts bytes; `entries` keeps these
//! four consistent. A [`shard`] adds what memcached's commands mean: expiry, flushing, unique
//! identifiers, counters and replies.

pub mod counters;
pub mod disposition;
pub mod inspection;
pub mod placement;
pub mod shard;

mod arithmetic;
mod entries;
mod expiry;
mod flush;
mod index;
mod item;
mod lru;
mod memory;
mod paged;
mod removal;
mod retrieval;
mod slots;
mod storage;
