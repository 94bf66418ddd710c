//! Everything that is written for one processor and one operating system.
//!
//! The rest of the runtime calls the names below; a port adds a folder beside
//! `x86_64_linux` and a line here.

#[cfg(not(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")))]
compile_error!(
    "hardened builds need x86-64 Linux with glibc; on this target use plain `cargo build`, \
     which runs every handler once and unprotected"
);

#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod x86_64_linux;
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
pub(crate) use x86_64_linux::*;
