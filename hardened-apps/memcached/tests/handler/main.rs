//! The handler without a server: requests in, replies out, with a clock that the tests move.

mod driver;
mod eviction;
mod garbage;
mod meta;
mod model;
mod parts;
mod properties;
mod segments;
