//! Atomic operations inside a handler.
//!
//! On memory that others may share the operation is executed once, in the first run, and is not
//! rolled back: between the runs another thread may have built on it. The second run must ask for
//! the same operation and gets the recorded result. On memory that the handler allocated or wrote
//! itself it is executed in both runs, like any store.

use core::ptr;
use core::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use super::Returned;
use super::context::current;
use super::event_log::{Event, Kind};
use super::integrity;
use super::memory::sum_of;
use super::sys::{compare_exchange_16, private_entry};

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Operation {
    Load,
    Store,
    Exchange,
    CompareExchange,
    Add,
    Subtract,
    And,
    Or,
    Xor,
    Nand,
}

const OPERATIONS: [Operation; 10] = [
    Operation::Load,
    Operation::Store,
    Operation::Exchange,
    Operation::CompareExchange,
    Operation::Add,
    Operation::Subtract,
    Operation::And,
    Operation::Or,
    Operation::Xor,
    Operation::Nand,
];

impl Operation {
    /// The operation and its width in one word.
    pub(crate) const fn code(self, size: usize) -> u64 {
        (self as u64) << 8 | size as u64
    }

    fn from_code(code: u64) -> (Self, usize) {
        (OPERATIONS[(code >> 8) as usize], (code & 0xFF) as usize)
    }

    pub(crate) const fn result(self, old: u128, value: u128) -> u128 {
        match self {
            Operation::Load => old,
            Operation::Store | Operation::Exchange | Operation::CompareExchange => value,
            Operation::Add => old.wrapping_add(value),
            Operation::Subtract => old.wrapping_sub(value),
            Operation::And => old & value,
            Operation::Or => old | value,
            Operation::Xor => old ^ value,
            Operation::Nand => !(old & value),
        }
    }
}

private_entry! {
    pub(crate) fn asc_atomic(
        address: usize,
        code: u64,
        value_low: u64,
        value_high: u64,
        expected_low: u64,
        expected_high: u64,
    ) -> u128;
    outside = atomic_outside; inside = atomic_inside;
}

unsafe extern "C" fn atomic_outside(
    address: usize,
    code: u64,
    value_low: u64,
    value_high: u64,
    expected_low: u64,
    expected_high: u64,
) -> Returned {
    let (operation, size) = Operation::from_code(code);
    let (value, expected) = (
        wide(value_low, value_high),
        wide(expected_low, expected_high),
    );
    // SAFETY: the caller performs this operation there.
    narrow(unsafe { perform_shared(operation, address, size, value, expected) })
}

unsafe extern "C" fn atomic_inside(
    address: usize,
    code: u64,
    value_low: u64,
    value_high: u64,
    expected_low: u64,
    expected_high: u64,
) -> Returned {
    let (operation, size) = Operation::from_code(code);
    let (value, expected) = (
        wide(value_low, value_high),
        wide(expected_low, expected_high),
    );
    let context = current();
    if context.owns(address) {
        integrity::check_range(context, address, size);
        if operation != Operation::Load && !context.is_local(address) {
            context.store(address, size);
        }
        // SAFETY: the caller performs this operation there.
        return narrow(unsafe { perform(operation, address, size, value, expected) });
    }
    let operands = [
        address as u64,
        code,
        sum_of([value_low, value_high]),
        sum_of([expected_low, expected_high]),
    ];
    if operation == Operation::CompareExchange {
        let outcome = context.events.retry_exchange(operands);
        if let Some(found) = context.demand(outcome) {
            return Returned::words(found);
        }
    }
    integrity::check_range(context, address, size);
    let outcome = context.events.step(Kind::Atomic, operands, |_| {
        // SAFETY: the caller performs this operation there.
        let old = unsafe { perform_shared(operation, address, size, value, expected) };
        [old as u64, (old >> 64) as u64]
    });
    Returned::words(context.demand(outcome))
}

/// What a recorded operation has added to a sum over shared memory in which each place has a weight of
/// its own: operations that cancel each other, such as the counting of a reference that is cloned and
/// dropped, add up to 0. `None` if that cannot be told from the record.
pub(super) fn net_change(event: &Event) -> Option<u64> {
    let [address, code, value, expected] = event.operands;
    let before = sum_of(event.result);
    let after = match Operation::from_code(code).0 {
        Operation::Load => before,
        Operation::CompareExchange if before != expected => before,
        Operation::Store | Operation::Exchange | Operation::CompareExchange => value,
        Operation::Add => before.wrapping_add(value),
        Operation::Subtract => before.wrapping_sub(value),
        Operation::And | Operation::Or | Operation::Xor | Operation::Nand => return None,
    };
    let weight = sum_of([address, address.rotate_left(32)]) | 1;
    Some(after.wrapping_sub(before).wrapping_mul(weight))
}

/// Performs the operation on memory that others may share.
///
/// # Safety
/// As for [`perform`].
unsafe fn perform_shared(
    operation: Operation,
    address: usize,
    size: usize,
    value: u128,
    expected: u128,
) -> u128 {
    if integrity::outside::sees_atomic(address) {
        // SAFETY: by contract.
        return unsafe { integrity::outside::atomic(operation, address, size, value, expected) };
    }
    // SAFETY: by contract.
    unsafe { perform(operation, address, size, value, expected) }
}

/// Performs the operation, sequentially consistent; returns what was there before.
///
/// # Safety
/// `address` is valid for atomic accesses of `size` bytes: 1, 2, 4, 8 or 16.
pub(crate) unsafe fn perform(
    operation: Operation,
    address: usize,
    size: usize,
    value: u128,
    expected: u128,
) -> u128 {
    // SAFETY: by contract, throughout this function.
    let mut old = unsafe { read(address, size) };
    loop {
        let new = match operation {
            Operation::Load if size < 16 => return old,
            Operation::CompareExchange if old != expected => return old,
            _ => operation.result(old, value),
        };
        // SAFETY: by contract.
        let found = unsafe { compare_exchange(address, size, old, new) };
        if found == old {
            return old;
        }
        old = found;
    }
}

unsafe fn read(address: usize, size: usize) -> u128 {
    macro_rules! load {
        ($atomic:ident) => {{
            // SAFETY: by contract of `perform`; the arm has chosen the type of this size.
            let shared = unsafe { $atomic::from_ptr(at(address)) };
            shared.load(Ordering::SeqCst).into()
        }};
    }
    match size {
        1 => load!(AtomicU8),
        2 => load!(AtomicU16),
        4 => load!(AtomicU32),
        8 => load!(AtomicU64),
        // SAFETY: by contract of `perform`; zero is exchanged for zero only.
        _ => unsafe { compare_exchange_16(at(address), 0, 0) },
    }
}

unsafe fn compare_exchange(address: usize, size: usize, old: u128, new: u128) -> u128 {
    macro_rules! exchange {
        ($atomic:ident) => {{
            // SAFETY: by contract of `perform`; the arm has chosen the type of this size.
            let shared = unsafe { $atomic::from_ptr(at(address)) };
            shared
                .compare_exchange(old as _, new as _, Ordering::SeqCst, Ordering::SeqCst)
                .unwrap_or_else(|found| found)
                .into()
        }};
    }
    match size {
        1 => exchange!(AtomicU8),
        2 => exchange!(AtomicU16),
        4 => exchange!(AtomicU32),
        8 => exchange!(AtomicU64),
        // SAFETY: by contract of `perform`.
        _ => unsafe { compare_exchange_16(at(address), old, new) },
    }
}

fn at<T>(address: usize) -> *mut T {
    ptr::with_exposed_provenance_mut(address)
}

const fn wide(low: u64, high: u64) -> u128 {
    (high as u128) << 64 | low as u128
}

const fn narrow(value: u128) -> Returned {
    Returned::words([value as u64, (value >> 64) as u64])
}
