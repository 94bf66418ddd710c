//! Everything of page mode that is written for one processor and one operating system.

#[cfg(not(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")))]
compile_error!("the feature `page` needs x86-64 Linux with glibc: build without it on this target");

mod body;
#[path = "../../hardened/sys/x86_64_linux/effect_stack.rs"]
#[allow(dead_code, reason = "asked by audits of the word level")]
mod effect_stack;
mod entry;
pub(crate) mod frame;
pub(crate) mod protection_key;
pub(crate) mod restartable;
mod thread_words;
#[path = "../../hardened/sys/x86_64_linux/vectors.rs"]
mod vectors;

pub(crate) use body::{BODY_LINK_BYTES, BODY_RETURNED, abandon_body, leave_address, run_body};
pub(crate) use effect_stack::{EffectStack, call_on_stack};
pub(crate) use entry::{on_private_stack, private_entry};
pub(crate) use thread_words::{ThreadWords, handler_active, in_effect, own_words, thread_words};
pub(crate) use vectors::vector_registers;

/// The unit of protection.
pub(crate) const PAGE_BYTES: usize = 4096;
