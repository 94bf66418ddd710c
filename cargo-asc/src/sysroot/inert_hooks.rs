//! Hooks that do nothing but what the hooked operation does.
//!
//! A program that does not link asc-runtime is instrumented all the same,
//! because its standard library is. This file gives it the functions that the
//! instrumented code calls. cargo-asc compiles it once per toolchain into the
//! inert archive, which stands last on the linker's command line.
//!
//! All public names are weak aliases made by assembler: the linker takes this
//! object only when a name is still undefined, and gives way to any other
//! definition of the rest.

#![no_std]

use core::arch::global_asm;
use core::arch::x86_64::cmpxchg16b;
use core::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering, fence};

/// `alias!(implementation: public names)`.
macro_rules! alias {
    ($implementation:ident: $($name:ident)*) => {
        $(global_asm!(
            concat!(".weak ", stringify!($name)),
            concat!(".type ", stringify!($name), ", @function"),
            concat!(".set ", stringify!($name), ", ", stringify!($implementation)),
        );)*
    };
}

// Before a load or store, and before a call that does not return: nothing.

#[unsafe(no_mangle)]
extern "C" fn asc_inert_nothing() {}

alias!(asc_inert_nothing:
    __asan_load1 __asan_load2 __asan_load4 __asan_load8 __asan_load16 __asan_loadN
    __asan_store1 __asan_store2 __asan_store4 __asan_store8 __asan_store16 __asan_storeN
    __asan_handle_no_return
);

// Memory intrinsics: the function behind them.

#[unsafe(no_mangle)]
unsafe extern "C" fn asc_inert_memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    unsafe extern "C" {
        fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8;
    }
    // SAFETY: the caller's contract is that of the C function of the same name.
    unsafe { memcpy(to, from, count) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn asc_inert_memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    unsafe extern "C" {
        fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8;
    }
    // SAFETY: the caller's contract is that of the C function of the same name.
    unsafe { memmove(to, from, count) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn asc_inert_memset(to: *mut u8, byte: i32, count: usize) -> *mut u8 {
    unsafe extern "C" {
        fn memset(to: *mut u8, byte: i32, count: usize) -> *mut u8;
    }
    // SAFETY: the caller's contract is that of the C function of the same name.
    unsafe { memset(to, byte, count) }
}

alias!(asc_inert_memcpy: __asan_memcpy);
alias!(asc_inert_memmove: __asan_memmove);
alias!(asc_inert_memset: __asan_memset);

// Atomic operations, always with the strongest order where a weaker one would
// not be cheaper on x86-64: every locked instruction is sequentially
// consistent there, and so is every load; only stores differ.

/// `__ATOMIC_SEQ_CST` in the numbering the hooks are called with.
const SEQUENTIALLY_CONSISTENT: i32 = 5;

/// One function per operation for a width with native atomics.
macro_rules! atomics {
    ($atomic:ident $integer:ty: $load:ident $store:ident $compare_exchange:ident
        $($update:ident $method:ident)*) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $load(at: *const $atomic, _order: i32) -> $integer {
            // SAFETY: the instrumented code performs exactly this operation there.
            unsafe { (*at).load(Ordering::SeqCst) }
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn $store(at: *const $atomic, value: $integer, order: i32) {
            if order == SEQUENTIALLY_CONSISTENT {
                // SAFETY: the instrumented code performs exactly this operation there.
                unsafe { (*at).store(value, Ordering::SeqCst) }
            } else {
                unsafe { (*at).store(value, Ordering::Release) }
            }
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn $compare_exchange(
            at: *const $atomic,
            expected: $integer,
            new: $integer,
            _order: i32,
            _failure_order: i32,
        ) -> $integer {
            // SAFETY: the instrumented code performs exactly this operation there.
            unsafe {
                match (*at).compare_exchange(expected, new, Ordering::SeqCst, Ordering::SeqCst) {
                    Ok(old) | Err(old) => old,
                }
            }
        }

        $(
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $update(at: *const $atomic, by: $integer, _order: i32) -> $integer {
                // SAFETY: the instrumented code performs exactly this operation there.
                unsafe { (*at).$method(by, Ordering::SeqCst) }
            }
        )*
    };
}

/// One function per operation for 128 bits, by cmpxchg16b.
macro_rules! atomics_of_16_bytes {
    ($($update:ident |$old:ident, $by:ident| $new:expr;)*) => {
        $(
            #[unsafe(no_mangle)]
            #[target_feature(enable = "cmpxchg16b")]
            unsafe extern "C" fn $update(at: *mut u128, $by: u128, _order: i32) -> u128 {
                let mut $old: u128 = 0;
                loop {
                    let new = $new;
                    // SAFETY: the instrumented code performs exactly this operation there.
                    let found = unsafe {
                        cmpxchg16b(at, $old, new, Ordering::SeqCst, Ordering::SeqCst)
                    };
                    if found == $old {
                        return found;
                    }
                    $old = found;
                }
            }
        )*
    };
}

#[unsafe(no_mangle)]
#[target_feature(enable = "cmpxchg16b")]
unsafe extern "C" fn asc_inert_16_load(at: *mut u128, _order: i32) -> u128 {
    // SAFETY: the instrumented code performs exactly this operation there.
    unsafe { cmpxchg16b(at, 0, 0, Ordering::SeqCst, Ordering::SeqCst) }
}

#[unsafe(no_mangle)]
#[target_feature(enable = "cmpxchg16b")]
unsafe extern "C" fn asc_inert_16_store(at: *mut u128, value: u128, order: i32) {
    // SAFETY: the instrumented code performs exactly this operation there.
    unsafe { asc_inert_16_exchange(at, value, order) };
}

#[unsafe(no_mangle)]
#[target_feature(enable = "cmpxchg16b")]
unsafe extern "C" fn asc_inert_16_compare_exchange(
    at: *mut u128,
    expected: u128,
    new: u128,
    _order: i32,
    _failure_order: i32,
) -> u128 {
    // SAFETY: the instrumented code performs exactly this operation there.
    unsafe { cmpxchg16b(at, expected, new, Ordering::SeqCst, Ordering::SeqCst) }
}

atomics_of_16_bytes! {
    asc_inert_16_exchange |old, by| by;
    asc_inert_16_add |old, by| old.wrapping_add(by);
    asc_inert_16_sub |old, by| old.wrapping_sub(by);
    asc_inert_16_and |old, by| old & by;
    asc_inert_16_or |old, by| old | by;
    asc_inert_16_xor |old, by| old ^ by;
    asc_inert_16_nand |old, by| !(old & by);
}

#[unsafe(no_mangle)]
extern "C" fn asc_inert_thread_fence(_order: i32) {
    fence(Ordering::SeqCst);
}

alias!(asc_inert_thread_fence: __tsan_atomic_thread_fence);
alias!(asc_inert_nothing: __tsan_atomic_signal_fence);

atomics! {
    AtomicU8 u8: asc_inert_1_load asc_inert_1_store asc_inert_1_compare_exchange
    asc_inert_1_exchange swap
    asc_inert_1_add fetch_add
    asc_inert_1_sub fetch_sub
    asc_inert_1_and fetch_and
    asc_inert_1_or fetch_or
    asc_inert_1_xor fetch_xor
    asc_inert_1_nand fetch_nand
}

atomics! {
    AtomicU16 u16: asc_inert_2_load asc_inert_2_store asc_inert_2_compare_exchange
    asc_inert_2_exchange swap
    asc_inert_2_add fetch_add
    asc_inert_2_sub fetch_sub
    asc_inert_2_and fetch_and
    asc_inert_2_or fetch_or
    asc_inert_2_xor fetch_xor
    asc_inert_2_nand fetch_nand
}

atomics! {
    AtomicU32 u32: asc_inert_4_load asc_inert_4_store asc_inert_4_compare_exchange
    asc_inert_4_exchange swap
    asc_inert_4_add fetch_add
    asc_inert_4_sub fetch_sub
    asc_inert_4_and fetch_and
    asc_inert_4_or fetch_or
    asc_inert_4_xor fetch_xor
    asc_inert_4_nand fetch_nand
}

atomics! {
    AtomicU64 u64: asc_inert_8_load asc_inert_8_store asc_inert_8_compare_exchange
    asc_inert_8_exchange swap
    asc_inert_8_add fetch_add
    asc_inert_8_sub fetch_sub
    asc_inert_8_and fetch_and
    asc_inert_8_or fetch_or
    asc_inert_8_xor fetch_xor
    asc_inert_8_nand fetch_nand
}

alias!(asc_inert_1_load: __tsan_atomic8_load);
alias!(asc_inert_1_store: __tsan_atomic8_store);
alias!(asc_inert_1_compare_exchange: __tsan_atomic8_compare_exchange_val);
alias!(asc_inert_1_exchange: __tsan_atomic8_exchange);
alias!(asc_inert_1_add: __tsan_atomic8_fetch_add);
alias!(asc_inert_1_sub: __tsan_atomic8_fetch_sub);
alias!(asc_inert_1_and: __tsan_atomic8_fetch_and);
alias!(asc_inert_1_or: __tsan_atomic8_fetch_or);
alias!(asc_inert_1_xor: __tsan_atomic8_fetch_xor);
alias!(asc_inert_1_nand: __tsan_atomic8_fetch_nand);

alias!(asc_inert_2_load: __tsan_atomic16_load);
alias!(asc_inert_2_store: __tsan_atomic16_store);
alias!(asc_inert_2_compare_exchange: __tsan_atomic16_compare_exchange_val);
alias!(asc_inert_2_exchange: __tsan_atomic16_exchange);
alias!(asc_inert_2_add: __tsan_atomic16_fetch_add);
alias!(asc_inert_2_sub: __tsan_atomic16_fetch_sub);
alias!(asc_inert_2_and: __tsan_atomic16_fetch_and);
alias!(asc_inert_2_or: __tsan_atomic16_fetch_or);
alias!(asc_inert_2_xor: __tsan_atomic16_fetch_xor);
alias!(asc_inert_2_nand: __tsan_atomic16_fetch_nand);

alias!(asc_inert_4_load: __tsan_atomic32_load);
alias!(asc_inert_4_store: __tsan_atomic32_store);
alias!(asc_inert_4_compare_exchange: __tsan_atomic32_compare_exchange_val);
alias!(asc_inert_4_exchange: __tsan_atomic32_exchange);
alias!(asc_inert_4_add: __tsan_atomic32_fetch_add);
alias!(asc_inert_4_sub: __tsan_atomic32_fetch_sub);
alias!(asc_inert_4_and: __tsan_atomic32_fetch_and);
alias!(asc_inert_4_or: __tsan_atomic32_fetch_or);
alias!(asc_inert_4_xor: __tsan_atomic32_fetch_xor);
alias!(asc_inert_4_nand: __tsan_atomic32_fetch_nand);

alias!(asc_inert_8_load: __tsan_atomic64_load);
alias!(asc_inert_8_store: __tsan_atomic64_store);
alias!(asc_inert_8_compare_exchange: __tsan_atomic64_compare_exchange_val);
alias!(asc_inert_8_exchange: __tsan_atomic64_exchange);
alias!(asc_inert_8_add: __tsan_atomic64_fetch_add);
alias!(asc_inert_8_sub: __tsan_atomic64_fetch_sub);
alias!(asc_inert_8_and: __tsan_atomic64_fetch_and);
alias!(asc_inert_8_or: __tsan_atomic64_fetch_or);
alias!(asc_inert_8_xor: __tsan_atomic64_fetch_xor);
alias!(asc_inert_8_nand: __tsan_atomic64_fetch_nand);

alias!(asc_inert_16_load: __tsan_atomic128_load);
alias!(asc_inert_16_store: __tsan_atomic128_store);
alias!(asc_inert_16_compare_exchange: __tsan_atomic128_compare_exchange_val);
alias!(asc_inert_16_exchange: __tsan_atomic128_exchange);
alias!(asc_inert_16_add: __tsan_atomic128_fetch_add);
alias!(asc_inert_16_sub: __tsan_atomic128_fetch_sub);
alias!(asc_inert_16_and: __tsan_atomic128_fetch_and);
alias!(asc_inert_16_or: __tsan_atomic128_fetch_or);
alias!(asc_inert_16_xor: __tsan_atomic128_fetch_xor);
alias!(asc_inert_16_nand: __tsan_atomic128_fetch_nand);
