//! Atomic operations.
//!
//! Outside a handler each performs the operation it names. The orders are at least those asked
//! for: on x86-64 only stores have a cheaper form than sequential consistency.

use core::sync::atomic::{
    AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering, compiler_fence, fence,
};

use crate::hardened::atomic::{Operation, asc_atomic, perform};
use crate::hardened::integrity::outside;
use crate::hardened::sys::called_by_handler;

/// C++'s `memory_order_seq_cst`, as the pass encodes it.
const SEQUENTIALLY_CONSISTENT: i32 = 5;

macro_rules! atomics {
    (
        $word:ty, $atomic:ident, $load:ident, $store:ident, $exchange:ident, $compare_exchange:ident,
        $($fetch:ident => $operation:ident $method:ident),*
    ) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $load(address: *mut $word, _order: i32) -> $word {
            if called_by_handler() {
                return inside(Operation::Load, address.expose_provenance(), size_of::<$word>(), 0, 0) as $word;
            }
            if outside::sees_atomic(address.addr()) {
                return beside(Operation::Load, address.expose_provenance(), size_of::<$word>(), 0, 0) as $word;
            }
            // SAFETY: the caller performs an atomic load there.
            unsafe { $atomic::from_ptr(address) }.load(Ordering::SeqCst)
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn $store(address: *mut $word, value: $word, order: i32) {
            if called_by_handler() {
                inside(Operation::Store, address.expose_provenance(), size_of::<$word>(), value as u64, 0);
                return;
            }
            if outside::sees_atomic(address.addr()) {
                beside(Operation::Store, address.expose_provenance(), size_of::<$word>(), value as u64, 0);
                return;
            }
            let order = if order == SEQUENTIALLY_CONSISTENT { Ordering::SeqCst } else { Ordering::Release };
            // SAFETY: the caller performs an atomic store there.
            unsafe { $atomic::from_ptr(address) }.store(value, order);
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn $exchange(address: *mut $word, value: $word, _order: i32) -> $word {
            if called_by_handler() {
                return inside(Operation::Exchange, address.expose_provenance(), size_of::<$word>(), value as u64, 0) as $word;
            }
            if outside::sees_atomic(address.addr()) {
                return beside(Operation::Exchange, address.expose_provenance(), size_of::<$word>(), value as u64, 0) as $word;
            }
            // SAFETY: the caller performs an atomic exchange there.
            unsafe { $atomic::from_ptr(address) }.swap(value, Ordering::SeqCst)
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn $compare_exchange(
            address: *mut $word,
            expected: $word,
            value: $word,
            _order: i32,
            _failure_order: i32,
        ) -> $word {
            if called_by_handler() {
                return inside(
                    Operation::CompareExchange,
                    address.expose_provenance(),
                    size_of::<$word>(),
                    value as u64,
                    expected as u64,
                ) as $word;
            }
            if outside::sees_atomic(address.addr()) {
                return beside(
                    Operation::CompareExchange,
                    address.expose_provenance(),
                    size_of::<$word>(),
                    value as u64,
                    expected as u64,
                ) as $word;
            }
            // SAFETY: the caller performs an atomic compare-and-exchange there.
            let outcome = unsafe { $atomic::from_ptr(address) }
                .compare_exchange(expected, value, Ordering::SeqCst, Ordering::SeqCst);
            match outcome {
                Ok(old) | Err(old) => old,
            }
        }

        $(
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $fetch(address: *mut $word, value: $word, _order: i32) -> $word {
                if called_by_handler() {
                    return inside(Operation::$operation, address.expose_provenance(), size_of::<$word>(), value as u64, 0) as $word;
                }
                if outside::sees_atomic(address.addr()) {
                    return beside(Operation::$operation, address.expose_provenance(), size_of::<$word>(), value as u64, 0) as $word;
                }
                // SAFETY: the caller performs an atomic read-modify-write there.
                unsafe { $atomic::from_ptr(address) }.$method(value, Ordering::SeqCst)
            }
        )*
    };
}

atomics!(u8, AtomicU8, __tsan_atomic8_load, __tsan_atomic8_store, __tsan_atomic8_exchange, __tsan_atomic8_compare_exchange_val,
    __tsan_atomic8_fetch_add => Add fetch_add, __tsan_atomic8_fetch_sub => Subtract fetch_sub,
    __tsan_atomic8_fetch_and => And fetch_and, __tsan_atomic8_fetch_or => Or fetch_or,
    __tsan_atomic8_fetch_xor => Xor fetch_xor, __tsan_atomic8_fetch_nand => Nand fetch_nand);
atomics!(u16, AtomicU16, __tsan_atomic16_load, __tsan_atomic16_store, __tsan_atomic16_exchange, __tsan_atomic16_compare_exchange_val,
    __tsan_atomic16_fetch_add => Add fetch_add, __tsan_atomic16_fetch_sub => Subtract fetch_sub,
    __tsan_atomic16_fetch_and => And fetch_and, __tsan_atomic16_fetch_or => Or fetch_or,
    __tsan_atomic16_fetch_xor => Xor fetch_xor, __tsan_atomic16_fetch_nand => Nand fetch_nand);
atomics!(u32, AtomicU32, __tsan_atomic32_load, __tsan_atomic32_store, __tsan_atomic32_exchange, __tsan_atomic32_compare_exchange_val,
    __tsan_atomic32_fetch_add => Add fetch_add, __tsan_atomic32_fetch_sub => Subtract fetch_sub,
    __tsan_atomic32_fetch_and => And fetch_and, __tsan_atomic32_fetch_or => Or fetch_or,
    __tsan_atomic32_fetch_xor => Xor fetch_xor, __tsan_atomic32_fetch_nand => Nand fetch_nand);
atomics!(u64, AtomicU64, __tsan_atomic64_load, __tsan_atomic64_store, __tsan_atomic64_exchange, __tsan_atomic64_compare_exchange_val,
    __tsan_atomic64_fetch_add => Add fetch_add, __tsan_atomic64_fetch_sub => Subtract fetch_sub,
    __tsan_atomic64_fetch_and => And fetch_and, __tsan_atomic64_fetch_or => Or fetch_or,
    __tsan_atomic64_fetch_xor => Xor fetch_xor, __tsan_atomic64_fetch_nand => Nand fetch_nand);

/// 16-byte operations, all through compare-and-exchange.
macro_rules! wide_atomics {
    ($($hook:ident($($value:ident)?) => $operation:ident),*) => {
        $(
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $hook(address: *mut u128, $($value: u128,)? _order: i32) -> u128 {
                #[allow(unused_mut, unused_assignments, reason = "a load has no operand")]
                let mut operand = 0;
                $(operand = $value;)?
                wide(Operation::$operation, address, operand, 0)
            }
        )*
    };
}

wide_atomics! {
    __tsan_atomic128_load() => Load,
    __tsan_atomic128_store(value) => Store,
    __tsan_atomic128_exchange(value) => Exchange,
    __tsan_atomic128_fetch_add(value) => Add,
    __tsan_atomic128_fetch_sub(value) => Subtract,
    __tsan_atomic128_fetch_and(value) => And,
    __tsan_atomic128_fetch_or(value) => Or,
    __tsan_atomic128_fetch_xor(value) => Xor,
    __tsan_atomic128_fetch_nand(value) => Nand
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __tsan_atomic128_compare_exchange_val(
    address: *mut u128,
    expected: u128,
    value: u128,
    _order: i32,
    _failure_order: i32,
) -> u128 {
    wide(Operation::CompareExchange, address, value, expected)
}

#[unsafe(no_mangle)]
extern "C" fn __tsan_atomic_thread_fence(_order: i32) {
    fence(Ordering::SeqCst);
}

#[unsafe(no_mangle)]
extern "C" fn __tsan_atomic_signal_fence(_order: i32) {
    compiler_fence(Ordering::SeqCst);
}

fn inside(operation: Operation, address: usize, size: usize, value: u64, expected: u64) -> u64 {
    // SAFETY: a handler is active (W2), and the caller performs this operation there.
    unsafe { asc_atomic(address, operation.code(size), value, 0, expected, 0) as u64 }
}

/// An atomic operation outside of handlers on protected memory.
#[cold]
fn beside(operation: Operation, address: usize, size: usize, value: u64, expected: u64) -> u64 {
    // SAFETY: the caller performs this operation there.
    unsafe { outside::atomic(operation, address, size, value.into(), expected.into()) as u64 }
}

fn wide(operation: Operation, address: *mut u128, value: u128, expected: u128) -> u128 {
    let address = address.expose_provenance();
    if !called_by_handler() {
        if outside::sees_atomic(address) {
            // SAFETY: the caller performs this operation there.
            return unsafe { outside::atomic(operation, address, 16, value, expected) };
        }
        // SAFETY: the caller performs this operation there.
        return unsafe { perform(operation, address, 16, value, expected) };
    }
    let (low, high) = (expected as u64, (expected >> 64) as u64);
    // SAFETY: a handler is active (W2), and the caller performs this operation there.
    unsafe {
        asc_atomic(
            address,
            operation.code(16),
            value as u64,
            (value >> 64) as u64,
            low,
            high,
        )
    }
}
