//! What hardening costs.
//!
//! [`cache`] drives the cache's handler, [`outside`] runs code without handlers. The `measure`
//! program times one of them on request, batch by batch, so that `cargo asc bench handler` can run
//! a plain and a hardened build in turn and compare neighbours in time. `benches/handlers.rs` puts
//! the same workloads under criterion.

#![forbid(unsafe_code)]

pub mod cache;
pub mod outside;
mod random;
