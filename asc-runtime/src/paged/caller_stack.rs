//! The frames above a handler: what its arguments point to more often than not.
//!
//! A handler runs on a stack of its own, so the thread's stack changes only where the handler writes
//! through a reference. All of it that is in use is copied, from the frame of the handler's caller to the
//! first frame of the thread.
//!
//! 1. [`CallerStack::attach`], once per thread: which range of stack that is. It is put under the stacks'
//!    key, which stays open while handlers run.
//! 2. [`CallerStack::begin`] copies it, unless the handler announces its stores; [`CallerStack::capture`] keeps what the first run left;
//!    [`CallerStack::restore`] puts back the words that changed; [`CallerStack::compare`] demands
//!    that the second run left the same.
//!
//! Memory outside of that range (a thread's first page, where thread-locals lie too; a stack that is
//! not the system's) is closed like everything else, and each store to it is seen alone.

use core::mem::MaybeUninit;
use core::ptr;

use crate::fault::{Fault, Stage};

use super::closure::differences;
use super::mapping::Mapping;
use super::memory::{Difference, first_difference, forget_memory};
use super::sys::{PAGE_BYTES, protection_key};

const WORD_BYTES: usize = size_of::<u64>();
const COPY_BYTES_MIN: usize = 64 << 10;

/// A thread's stack and its copies.
#[derive(Debug)]
pub(crate) struct CallerStack {
    /// The range that may be copied; empty when nothing is known about it.
    range: core::ops::Range<usize>,
    /// What the handler in progress may have changed: `length` bytes from here.
    start: *mut u8,
    length: usize,
    changed: bool,
    old: Mapping,
    result: Mapping,
}

impl CallerStack {
    /// Finds the calling thread's stack.
    pub(crate) fn attach() -> Self {
        let mut range = own_range().unwrap_or(0..0);
        if protection_key::stack_key() != 0 {
            let rights = libc::PROT_READ | libc::PROT_WRITE;
            // SAFETY: whole pages of this thread's stack, which is readable and writable.
            let covered = !range.is_empty()
                && unsafe { protection_key::cover_stack(range.start, range.len(), rights) };
            if !covered {
                range = 0..0;
            }
        }
        Self {
            range,
            start: ptr::null_mut(),
            length: 0,
            changed: false,
            old: Mapping::new(COPY_BYTES_MIN),
            result: Mapping::new(COPY_BYTES_MIN),
        }
    }

    /// Gives the stack of a thread that ends back as it was: the C library lends it to later threads.
    pub(crate) fn detach(&mut self) {
        if protection_key::stack_key() != 0 && !self.range.is_empty() {
            let rights = libc::PROT_READ | libc::PROT_WRITE;
            // SAFETY: this thread's stack, which keeps these rights.
            unsafe { protection_key::uncover(self.range.start, self.range.len(), rights) };
        }
        self.range = 0..0;
    }

    /// Copies everything from `frame` on.
    ///
    /// # Safety
    /// `frame` lies below all frames of the handler's callers and above the engine's, and points into
    /// this thread's stack, or to memory that is not in its range.
    pub(crate) unsafe fn begin(&mut self, frame: *mut u8) {
        self.changed = false;
        self.start = frame;
        self.length = 0;
        if !self.range.contains(&frame.addr()) {
            return;
        }
        self.length = (self.range.end - frame.addr()) / WORD_BYTES * WORD_BYTES;
        for copy in [&mut self.old, &mut self.result] {
            if self.length > copy.len() {
                copy.grow(self.length);
            }
        }
        // SAFETY: by contract the stack is live from the frame on; the copy is as long and elsewhere.
        unsafe { ptr::copy_nonoverlapping(self.start, self.old.base(), self.length) };
    }

    /// For a handler that announces what it stores there.
    pub(crate) const fn leave_alone(&mut self) {
        self.changed = false;
        self.start = ptr::dangling_mut();
        self.length = 0;
    }

    /// Keeps what the first run left.
    pub(crate) fn capture(&mut self) {
        forget_memory();
        self.changed = !self.is_equal(&self.old);
        if self.changed {
            // SAFETY: as in `begin`.
            unsafe { ptr::copy_nonoverlapping(self.start, self.result.base(), self.length) };
        }
    }

    /// Keeps all of it, before a closure changes it.
    pub(crate) fn capture_all(&mut self) {
        // SAFETY: as in `begin`.
        unsafe { ptr::copy_nonoverlapping(self.start, self.result.base(), self.length) };
    }

    /// What has changed since [`CallerStack::capture_all`].
    pub(crate) fn changes(&self, note: &mut impl FnMut(usize, &[u8])) {
        // SAFETY: both are that long (`begin`).
        unsafe { differences(self.result.base(), self.start, self.length, note) };
    }

    /// Puts back every word that changed, and reads it again.
    pub(crate) fn restore(&self) -> Result<(), Fault> {
        forget_memory();
        for offset in (0..self.length).step_by(WORD_BYTES) {
            // SAFETY: below the length, in the copy.
            let old = unsafe { word(self.old.base(), offset).read() };
            let place = word(self.start, offset);
            // SAFETY: below the length, in the live stack.
            let found = unsafe { place.read_volatile() };
            if found == old {
                continue;
            }
            // SAFETY: likewise; this thread's, whose handler is not running.
            unsafe { place.write_volatile(old) };
            // SAFETY: likewise.
            let restored = unsafe { place.read_volatile() };
            if restored != old {
                return Err(Fault::new(
                    Stage::Rollback,
                    "a restored word does not hold its old value",
                )
                .at(place.addr())
                .values(old, restored));
            }
        }
        Ok(())
    }

    /// Demands that the second run left what the first left.
    pub(crate) fn compare(&self) -> Result<(), Fault> {
        forget_memory();
        let expected = if self.changed {
            &self.result
        } else {
            &self.old
        };
        // SAFETY: both are that long (`begin`).
        match unsafe { first_difference(expected.base(), self.start, self.length) } {
            None => Ok(()),
            Some(Difference {
                offset,
                expected,
                found,
            }) => Err(Fault::new(Stage::Compare, "the runs left different bytes")
                .at(self.start.addr() + offset)
                .values(expected, found)),
        }
    }

    /// Bytes copied for the handler in progress.
    pub(crate) fn bytes(&self) -> usize {
        self.length
    }

    fn is_equal(&self, copy: &Mapping) -> bool {
        // SAFETY: both are that long (`begin`).
        unsafe { first_difference(copy.base(), self.start, self.length) }.is_none()
    }
}

fn word(base: *mut u8, offset: usize) -> *mut u64 {
    base.wrapping_add(offset).cast()
}

/// Whole pages of the calling thread's stack without what else lies there.
fn own_range() -> Option<core::ops::Range<usize>> {
    let (start, end) = mapped_stack()?;
    let lowest_local = lowest_thread_local(start..end).unwrap_or(end);
    let end = lowest_local & !(PAGE_BYTES - 1);
    (start < end).then_some(start..end)
}

/// The part of the stack that is mapped. The first thread's grows downwards, and what is mapped later
/// keeps the key of its neighbour.
fn mapped_stack() -> Option<(usize, usize)> {
    let on_stack = 0u8;
    let here = (&raw const on_stack).addr();
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let (start, end) = maps.lines().find_map(|line| range_around(line, here))?;
    let (limit_start, limit_end) = limits()?;
    let inside = (limit_start..limit_end).contains(&here);
    inside.then_some((start.max(limit_start), end.min(limit_end)))
}

/// The range at the beginning of a line of `/proc/self/maps`, if it holds `address`.
fn range_around(line: &str, address: usize) -> Option<(usize, usize)> {
    let (range, _) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let start = usize::from_str_radix(start, 16).ok()?;
    let end = usize::from_str_radix(end, 16).ok()?;
    (start..end).contains(&address).then_some((start, end))
}

/// What the C library says of the stack: mappings beside it may have joined it.
fn limits() -> Option<(usize, usize)> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: a number.
    let this = unsafe { libc::pthread_self() };
    // SAFETY: fills in the attributes of the calling thread.
    if unsafe { libc::pthread_getattr_np(this, attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    let (mut start, mut bytes) = (ptr::null_mut(), 0);
    // SAFETY: the attributes were filled in; both places are live.
    let status =
        unsafe { libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut start, &raw mut bytes) };
    // SAFETY: filled in, and used no more.
    unsafe { libc::pthread_attr_destroy(attributes.as_mut_ptr()) };
    (status == 0).then_some((start.addr(), start.addr() + bytes))
}

/// The lowest thread-local of this thread inside a range: a thread's lie at the top of its stack.
fn lowest_thread_local(range: core::ops::Range<usize>) -> Option<usize> {
    struct Search {
        range: core::ops::Range<usize>,
        lowest: usize,
    }
    unsafe extern "C" fn look(
        info: *mut libc::dl_phdr_info,
        _bytes: usize,
        search: *mut core::ffi::c_void,
    ) -> core::ffi::c_int {
        // SAFETY: the search of the caller below.
        let search = unsafe { &mut *search.cast::<Search>() };
        // SAFETY: the loader passes a live structure.
        let data = unsafe { (*info).dlpi_tls_data }.addr();
        if search.range.contains(&data) {
            search.lowest = search.lowest.min(data);
        }
        0
    }
    let thread: usize;
    // SAFETY: reads the thread pointer.
    unsafe {
        core::arch::asm!("mov {}, qword ptr fs:[0]", out(reg) thread, options(pure, readonly, nostack));
    }
    let lowest = if range.contains(&thread) {
        thread
    } else {
        usize::MAX
    };
    let mut search = Search { range, lowest };
    // SAFETY: the function looks at what it is given and returns.
    unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut search).cast()) };
    (search.lowest != usize::MAX).then_some(search.lowest)
}
