//! The cache: everything that the handler reads and writes.
//!
//! Bottom up: `paged` vectors hold the `slots` of items and the buckets of the `index`; the
//! `lru` lists are threaded through the slots; `memory` and `classes` count bytes; `entries` keeps
//! these consistent; `eviction` makes room; `look_ahead` lets the waits for the keys of one `get`
//! overlap. A [`shard`] adds what memcached's commands mean: expiry, flushing, unique identifiers,
//! counters and replies.

pub mod class_view;
pub mod classes;
pub mod counters;
pub mod details;
pub mod disposition;
pub mod eviction;
pub mod inspection;
pub mod item_checksum;
pub mod placement;
pub mod shard;

mod arithmetic;
mod binary;
mod binary_answer;
mod cachedump;
mod crawler;
mod entries;
mod expiry;
mod flush;
mod index;
mod item;
mod look_ahead;
mod lru;
mod memory;
mod meta;
mod meta_line;
mod meta_store;
mod paged;
mod removal;
pub mod retrieval;
mod slots;
mod storage;
