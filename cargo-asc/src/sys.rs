//! The operating system where safe Rust does not reach it.

#![allow(unsafe_code)]

pub(crate) mod userfaultfd;
