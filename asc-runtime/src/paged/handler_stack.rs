//! The stack that handlers of a thread run on.
//!
//! 1. It is reserved whole and open at its top only. A handler that goes deeper faults, and
//!    [`HandlerStack::grow`] opens as much again.
//! 2. What is open is cleared before each run ([`HandlerStack::clear`]); what was never open reads as
//!    zero. So both runs find the same bytes however deep they go.
//! 3. After a handler that went deep, all but [`KEPT_BYTES`] goes back to the system, so that the next
//!    one clears little ([`HandlerStack::shrink`]).

use core::ptr;

use crate::refuse::refuse;

use super::closure::differences;
use super::mapping::Mapping;
use super::sys::{PAGE_BYTES, protection_key};

/// How deep a handler may go: what threads of std have.
const STACK_BYTES: usize = 8 << 20;
/// Open from the beginning.
const OPEN_BYTES_MIN: usize = 8 << 10;
/// Stays open and is cleared in every run: some two microseconds' worth.
const KEPT_BYTES: usize = 64 << 10;
/// Below this nothing is ever opened.
const GUARD_BYTES: usize = PAGE_BYTES;

const _: () = assert!(OPEN_BYTES_MIN.is_multiple_of(PAGE_BYTES));
const _: () = assert!(KEPT_BYTES.is_multiple_of(PAGE_BYTES));

/// A thread's. Never unmapped; `[open, top)` is readable and writable.
#[derive(Debug)]
pub(crate) struct HandlerStack {
    bottom: *mut u8,
    open: usize,
    kept: Mapping,
    kept_from: usize,
}

impl HandlerStack {
    /// Reserves a stack. Ends the process with a refusal when the system has no address space.
    pub(crate) fn new() -> Self {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK;
        // SAFETY: a new mapping at an address of the kernel's choice.
        let bottom =
            unsafe { libc::mmap(ptr::null_mut(), STACK_BYTES, libc::PROT_NONE, flags, -1, 0) };
        if bottom == libc::MAP_FAILED {
            out_of_memory();
        }
        let mut stack = Self {
            bottom: bottom.cast(),
            open: bottom.addr() + STACK_BYTES,
            kept: Mapping::new(PAGE_BYTES),
            kept_from: 0,
        };
        if protection_key::stack_key() != 0 {
            // SAFETY: the mapping above, whose rights stay none.
            let covered =
                unsafe { protection_key::cover_stack(bottom.addr(), STACK_BYTES, libc::PROT_NONE) };
            if !covered {
                out_of_memory();
            }
        }
        if !stack.open_from(stack.top() - OPEN_BYTES_MIN) {
            out_of_memory();
        }
        stack
    }

    pub(crate) fn top(&self) -> usize {
        self.bottom.addr() + STACK_BYTES
    }

    /// Zeroes what is open. Not while a handler uses it.
    pub(crate) fn clear(&self) {
        // SAFETY: open (see the type), and nobody's frames lie there.
        unsafe { ptr::write_bytes(self.pointer(self.open), 0, self.top() - self.open) };
    }

    /// Whether an address lies in the part that is in use.
    pub(crate) fn contains(&self, address: usize) -> bool {
        (self.open..self.top()).contains(&address)
    }

    /// Copies the frames from `frame` on, before a closure changes them.
    pub(crate) fn keep(&mut self, frame: usize) {
        self.kept_from = frame & !7;
        let length = self.top() - self.kept_from;
        if length > self.kept.len() {
            self.kept.grow(length);
        }
        // SAFETY: live frames of the handler; the copy is as long and elsewhere.
        unsafe {
            ptr::copy_nonoverlapping(self.pointer(self.kept_from), self.kept.base(), length);
        }
    }

    /// What has changed since [`HandlerStack::keep`].
    pub(crate) fn changes(&self, note: &mut impl FnMut(usize, &[u8])) {
        let (now, length) = (self.pointer(self.kept_from), self.top() - self.kept_from);
        // SAFETY: both are that long (`keep`).
        unsafe { differences(self.kept.base(), now, length, note) };
    }

    /// Opens the stack as far as `address`, if that is a part of it that a handler may use.
    /// Async-signal-safe.
    pub(crate) fn grow(&mut self, address: usize) -> bool {
        let lowest = self.bottom.addr() + GUARD_BYTES;
        if !(lowest..self.open).contains(&address) {
            return false;
        }
        let doubled = self.top().saturating_sub(2 * (self.top() - self.open));
        let wanted = doubled.min(address & !(PAGE_BYTES - 1));
        self.open_from(wanted.max(lowest))
    }

    /// Whether an address lies where no handler's stack may reach.
    pub(crate) fn is_overflow(&self, address: usize) -> bool {
        (self.bottom.addr()..self.bottom.addr() + GUARD_BYTES).contains(&address)
    }

    /// Gives back what only deep handlers need. Not while a handler uses it.
    pub(crate) fn shrink(&mut self) {
        let kept = self.top() - KEPT_BYTES;
        if self.open >= kept {
            return;
        }
        let (start, bytes) = (self.pointer(self.open), kept - self.open);
        // SAFETY: nobody's frames lie there; it reads as zero when it is opened again.
        unsafe { libc::madvise(start.cast(), bytes, libc::MADV_DONTNEED) };
        // SAFETY: likewise.
        if unsafe { libc::mprotect(start.cast(), bytes, libc::PROT_NONE) } == 0 {
            self.open = kept;
        }
    }

    fn open_from(&mut self, start: usize) -> bool {
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a part of the mapping that nobody uses yet; its key stays.
        let opened =
            unsafe { libc::mprotect(self.pointer(start).cast(), self.open - start, rights) } == 0;
        if opened {
            self.open = start;
        }
        opened
    }

    fn pointer(&self, address: usize) -> *mut u8 {
        self.bottom.wrapping_add(address - self.bottom.addr())
    }
}

fn out_of_memory() -> ! {
    refuse(format_args!(
        "no address space for a handler's stack of {STACK_BYTES} bytes: raise the limit (ulimit -v)"
    ))
}
