//! Stores to protected memory from outside of handlers: initialisation, destruction, and whatever else a
//! program does there. Nothing is run twice, but the codes follow.
//!
//! The hook of a plain store is called before it happens, and no hook says that it has. So
//!
//! 1. [`store`] has the lines examined, keeps the old bytes and announces the store as *pending*;
//! 2. [`settle`] changes the codes by what has become of those bytes: at the next announced store, before
//!    every atomic operation, every call of a wrapped C function and every handler of this thread. What
//!    another thread may rely on is published by one of these.
//!
//! Copies, fills and atomic operations are performed by the runtime, so their codes follow at once.

use core::ptr;
use core::sync::atomic::Ordering::{Relaxed, Release};

use asc_alloc::AscAlloc;
use asc_alloc::lines::Lines;

use super::heap_lines;
use super::line_set::own_check_words;
use super::view::PENDING_BYTES_MAX;
use crate::hardened::atomic::{Operation, perform};
use crate::hardened::context::{attach, attached};
use crate::hardened::memory::read_word;
use crate::hardened::panic_hook::HookCall;
use crate::hardened::sys::checks::words::line_words;
use crate::hardened::sys::{handler_active, in_effect};
use crate::refuse::refuse;

/// Whether an address is protected.
#[inline(always)]
pub(crate) fn is_protected(address: usize) -> bool {
    let words = line_words();
    address.wrapping_sub(words.start.load(Relaxed)) < words.bytes.load(Relaxed)
}

/// Refuses one of the runtime's locks in protected memory: who waits for it and who has it is no state that
/// a code could follow.
#[inline]
pub(crate) fn refuse_lock(address: usize) {
    if is_protected(address) {
        refuse(format_args!(
            "a lock of `asc_runtime::sync` lies in protected memory: make the lock outside of handlers \
             and of `protected`, and put what it guards in a box that `protected` makes"
        ));
    }
}

/// Announces a store.
#[cold]
#[inline(never)]
pub(crate) extern "C" fn store(address: usize, length: usize) {
    settle();
    let Some(lines) = heap_lines().filter(|_| length > 0 && !in_runtime()) else {
        return;
    };
    if length > PENDING_BYTES_MAX {
        refuse(format_args!(
            "one store of {length} bytes to protected memory outside of handlers: \
             {PENDING_BYTES_MAX} bytes are the most. Do it inside a handler, or copy piece by piece"
        ));
    }
    lines.examine(address, length);
    let pending = &attach().log.view.pending;
    // SAFETY: the application is about to write these bytes.
    unsafe { pending.announce(address, length) };
    own_check_words().pending = 1;
}

/// Lets the codes follow the store that this thread announced last, if there is one.
#[cold]
#[inline(never)]
pub(crate) extern "C" fn settle() {
    if own_check_words().pending == 0 {
        return;
    }
    own_check_words().pending = 0;
    let (Some(lines), Some(context)) = (heap_lines(), attached()) else {
        return;
    };
    let pending = &context.log.view.pending;
    let (address, length) = (pending.address.load(Relaxed), pending.length.load(Relaxed));
    let _change = lines.change_in_progress();
    let mut done = 0;
    while done < length {
        let piece = (8 - (address + done) % 8).min(length - done);
        // SAFETY: the application wrote these bytes, or was about to.
        let new = unsafe { read_word(address + done, piece) };
        follow(lines, address + done, pending.old_bytes(done, piece) ^ new);
        done += piece;
    }
    pending.length.store(0, Release);
}

/// `memcpy`.
///
/// # Safety
/// As for C's `memcpy`.
#[inline(always)]
pub(crate) unsafe fn copy(target: *mut u8, source: *const u8, length: usize) {
    if !is_protected(target.addr()) {
        // SAFETY: by contract.
        return unsafe { ptr::copy_nonoverlapping(source, target, length) };
    }
    write(target, length, false, |offset, length| {
        let (target, source) = (target.wrapping_add(offset), source.wrapping_add(offset));
        // SAFETY: a piece of both.
        unsafe { ptr::copy_nonoverlapping(source, target, length) };
    });
}

/// `memmove`.
///
/// # Safety
/// As for C's `memmove`.
#[inline(always)]
pub(crate) unsafe fn move_range(target: *mut u8, source: *const u8, length: usize) {
    if !is_protected(target.addr()) {
        // SAFETY: by contract.
        return unsafe { ptr::copy(source, target, length) };
    }
    let backward = target.addr() > source.addr();
    write(target, length, backward, |offset, length| {
        let (target, source) = (target.wrapping_add(offset), source.wrapping_add(offset));
        // SAFETY: a piece of both; they come in the order that leaves what is still to be read.
        unsafe { ptr::copy(source, target, length) };
    });
}

/// `memset`.
///
/// # Safety
/// As for C's `memset`.
#[inline(always)]
pub(crate) unsafe fn fill(target: *mut u8, byte: u8, length: usize) {
    if !is_protected(target.addr()) {
        // SAFETY: by contract.
        return unsafe { ptr::write_bytes(target, byte, length) };
    }
    write(target, length, false, |offset, length| {
        // SAFETY: a piece of the target.
        unsafe { target.wrapping_add(offset).write_bytes(byte, length) };
    });
}

#[cold]
fn write(target: *mut u8, length: usize, backward: bool, mut write: impl FnMut(usize, usize)) {
    settle();
    match heap_lines() {
        Some(lines) if length > 0 && AscAlloc::is_protected(target) => {
            lines.write(target.expose_provenance(), length, backward, write);
        }
        _ => write(0, length),
    }
}

/// Whether an atomic operation is one for [`atomic`]. Whatever was stored before it is settled: others
/// may rely on it once they see what the operation does.
#[inline(always)]
pub(crate) fn sees_atomic(address: usize) -> bool {
    if own_check_words().pending != 0 {
        settle();
    }
    is_protected(address)
}

/// Performs an atomic operation on protected memory; the codes follow. Returns what was there before.
///
/// # Safety
/// As for [`perform`].
#[cold]
pub(crate) unsafe fn atomic(
    operation: Operation,
    address: usize,
    size: usize,
    value: u128,
    expected: u128,
) -> u128 {
    let Some(lines) = heap_lines().filter(|_| operation != Operation::Load) else {
        // SAFETY: by contract.
        return unsafe { perform(operation, address, size, value, expected) };
    };
    if !handler_active() {
        lines.examine(address, size);
    }
    let _change = lines.change_in_progress();
    // SAFETY: by contract.
    let old = unsafe { perform(operation, address, size, value, expected) };
    let new = match operation {
        Operation::CompareExchange if old != expected => old,
        _ => operation.result(old, value),
    };
    let change = (old ^ new) & (u128::MAX >> (128 - size * 8));
    follow(lines, address, change as u64);
    if size > 8 {
        follow(lines, address + 8, (change >> 64) as u64);
    }
    old
}

/// Changes a code by a change of the bytes from `address` on, which lie in one aligned word.
fn follow(lines: &Lines, address: usize, change: u64) {
    let (word, shift) = (address & !7, (address & 7) * 8);
    if let Some(line) = lines.line_of(word) {
        let change = lines.change(word, change << shift);
        lines.stored(line).fetch_xor(change, Relaxed);
    }
}

/// Whether a handler is in progress and its runtime has called the program, for instance its allocator;
/// what an effect or the panic hook stores is the program's own.
fn in_runtime() -> bool {
    attached().is_some_and(|context| context.run != 0 && context.hook_call != HookCall::InProgress)
        && !in_effect()
}
