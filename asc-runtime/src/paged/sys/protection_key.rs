//! The key of the stacks that stay open while a handler runs, and the rights of a thread.
//!
//! Rights are a thread's own, in the register PKRU: two bits for each of sixteen keys. All memory that
//! nobody put under a key has key 0. Closing key 0 for writing closes everything for this thread,
//! whatever it is and whoever mapped it, but what lies under other keys.

use core::arch::asm;
use core::ffi::{c_int, c_ulong};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Both bits of a key.
const BOTH: u32 = 3;
/// The bit of key 0 that forbids writing.
pub(crate) const ORDINARY_CLOSED: u32 = 2;

/// The stacks' key; 0 for none, since key 0 is everybody's.
static STACK_KEY: AtomicU32 = AtomicU32::new(0);

/// Allocates the stacks' key, open for this thread and those that it starts. False without keys.
pub(crate) fn allocate() -> bool {
    // SAFETY: two integers; no memory's rights change.
    let key = unsafe { libc::syscall(libc::SYS_pkey_alloc, 0 as c_ulong, 0 as c_ulong) };
    match u32::try_from(key) {
        Ok(key) if key > 0 => {
            STACK_KEY.store(key, Relaxed);
            true
        }
        _ => false,
    }
}

/// Gives the key back, if there is one: nothing is under it yet.
pub(crate) fn give_up() {
    let key = STACK_KEY.swap(0, Relaxed);
    if key != 0 {
        // SAFETY: an integer; no memory is under the key.
        unsafe { libc::syscall(libc::SYS_pkey_free, c_ulong::from(key)) };
    }
}

/// The stacks' key, 0 for none.
pub(crate) fn stack_key() -> u32 {
    STACK_KEY.load(Relaxed)
}

/// Puts a range of stack under the stacks' key. False when the system refuses, or there is no key.
///
/// # Safety
/// The range has the rights that are given.
pub(crate) unsafe fn cover_stack(start: usize, bytes: usize, rights: c_int) -> bool {
    let key = stack_key();
    if key == 0 {
        return false;
    }
    let (rights, key) = (rights as c_ulong, c_ulong::from(key));
    // SAFETY: by contract; the threads that use stacks have the key open.
    unsafe { libc::syscall(libc::SYS_pkey_mprotect, start, bytes, rights, key) == 0 }
}

/// Takes a range from under the stacks' key.
///
/// # Safety
/// The range has the rights that are given.
pub(crate) unsafe fn uncover(start: usize, bytes: usize, rights: c_int) {
    let (rights, key) = (rights as c_ulong, 0 as c_ulong);
    // SAFETY: by contract; key 0 is open to every thread.
    unsafe { libc::syscall(libc::SYS_pkey_mprotect, start, bytes, rights, key) };
}

/// `rights` with the stacks open.
pub(crate) fn with_stacks(rights: u32) -> u32 {
    rights & !(BOTH << (2 * stack_key()))
}

/// Opens the stacks for this thread.
#[inline]
pub(crate) fn open_stacks() {
    if stack_key() != 0 {
        // SAFETY: closes nothing.
        unsafe { set_rights(with_stacks(rights())) };
    }
}

/// This thread's rights.
#[inline]
pub(crate) fn rights() -> u32 {
    let rights: u32;
    // SAFETY: a key was allocated, so the instruction exists; it only reads a register.
    unsafe {
        asm!("rdpkru", out("eax") rights, out("edx") _, in("ecx") 0,
            options(nomem, nostack, preserves_flags));
    }
    rights
}

/// Changes this thread's rights.
///
/// # Safety
/// Every store that follows is to memory that stays open.
#[inline]
pub(crate) unsafe fn set_rights(rights: u32) {
    // SAFETY: by contract. Without `nomem`, so that no access moves across it.
    unsafe {
        asm!("wrpkru", in("eax") rights, in("edx") 0, in("ecx") 0,
            options(nostack, preserves_flags));
    }
}
