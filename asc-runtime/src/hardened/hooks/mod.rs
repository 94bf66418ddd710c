//! The functions that the compiler's passes call: the interception layer.
//!
//! Their names and signatures are those of LLVM's AddressSanitizer and ThreadSanitizer passes,
//! which `cargo asc` uses as interceptors; no sanitizer runtime is linked.
//!
//! Link-time optimisation inlines them. The thin kind takes no function with inline assembly out
//! of a module that has labels in assembly of its own, so what is `global_asm!` or naked is
//! defined elsewhere.

mod atomics;
mod ranges;
#[cfg(asc_crc)]
mod reads;
mod words;
