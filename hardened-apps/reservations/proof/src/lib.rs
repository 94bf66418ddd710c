//! What it takes to harden an ordinary service, and what it buys: see `tests/`.
//!
//! `../plain` is a service over axum as such services are written; `../hardened` is the same one
//! hardened. The tests count the lines between them, run the hardened one under load, and flip bits
//! in it.
#![forbid(unsafe_code)]
