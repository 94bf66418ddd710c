//! The functions that the compiler's passes call: the interception layer.
//!
//! Their names and signatures are those of LLVM's AddressSanitizer and ThreadSanitizer passes,
//! which `cargo asc` uses as interceptors; no sanitizer runtime is linked.

mod atomics;
pub(crate) mod ranges;
#[cfg(asc_crc)]
mod reads;
mod words;
