//! x86-64 Linux: thread words, the fast paths of the word log and of short copies, the call of a handler's body,
//! the private stack and that of effects, string instructions, 128-bit atomics.

mod body;
#[cfg(asc_crc)]
pub(crate) mod checks;
#[cfg(not(asc_crc))]
#[path = "checks_disabled.rs"]
mod checks;
mod copy_words;
mod effect_stack;
mod log_word;
mod private_stack;
mod string;
mod thread_words;
mod vectors;
mod wide_atomic;

pub(crate) use body::{BODY_LINK_BYTES, BODY_RETURNED, abandon_body, run_body};
pub(crate) use checks::settle_before_call;
pub(crate) use copy_words::{WORDS_BYTES_MAX, asc_copy, asc_fill, asc_move, asc_store};
pub(crate) use effect_stack::{EffectStack, call_on_stack};
pub(crate) use log_word::word_store_hooks;
pub(crate) use private_stack::{on_private_stack, private_entry};
pub(crate) use string::{copy_bytes, fill_bytes};
pub(crate) use thread_words::{
    ThreadWords, called_by_handler, handler_active, in_effect, thread_words,
};
pub(crate) use vectors::vector_registers;
pub(crate) use wide_atomic::compare_exchange_16;
