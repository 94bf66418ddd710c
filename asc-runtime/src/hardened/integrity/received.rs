//! What the kernel writes to protected memory outside of handlers: no hook sees that.
//!
//! The C functions by which programs receive bytes are called through the runtime anyway. If the buffer
//! is protected, the bytes arrive in one of the runtime's own and are copied from there, codes included.

use core::ffi::{c_int, c_void};

use super::outside;
use crate::hardened::mapping::Mapping;

unsafe extern "C" {
    fn __real_read(file: c_int, buffer: *mut u8, length: usize) -> isize;
    fn __real_pread64(file: c_int, buffer: *mut u8, length: usize, offset: i64) -> isize;
    fn __real_readv(file: c_int, parts: *const libc::iovec, count: c_int) -> isize;
    fn __real_recv(file: c_int, buffer: *mut u8, length: usize, flags: c_int) -> isize;
    fn __real_recvfrom(
        file: c_int,
        buffer: *mut u8,
        length: usize,
        flags: c_int,
        sender: *mut c_void,
        sender_length: *mut c_void,
    ) -> isize;
    fn __real_getrandom(buffer: *mut u8, length: usize, flags: u32) -> isize;
}

pub(crate) unsafe extern "C" fn read(file: c_int, buffer: *mut u8, length: usize) -> isize {
    // SAFETY: passed on under the caller's contract, with a buffer of that length.
    received(buffer, length, |buffer| unsafe {
        __real_read(file, buffer, length)
    })
}

pub(crate) unsafe extern "C" fn pread64(
    file: c_int,
    buffer: *mut u8,
    length: usize,
    offset: i64,
) -> isize {
    // SAFETY: passed on under the caller's contract, with a buffer of that length.
    received(buffer, length, |buffer| unsafe {
        __real_pread64(file, buffer, length, offset)
    })
}

/// One protected part among them is read alone, which is a short read.
pub(crate) unsafe extern "C" fn readv(
    file: c_int,
    parts: *const libc::iovec,
    count: c_int,
) -> isize {
    let length = usize::try_from(count).unwrap_or(0);
    // SAFETY: the caller passes that many parts.
    let all = unsafe { core::slice::from_raw_parts(parts, length) };
    let protected = |part: &&libc::iovec| outside::is_protected(part.iov_base.addr());
    if !all.iter().any(|part| protected(&part)) {
        // SAFETY: passed on.
        return unsafe { __real_readv(file, parts, count) };
    }
    match all.iter().find(|part| part.iov_len > 0) {
        // SAFETY: a part of the caller's.
        Some(first) => unsafe { read(file, first.iov_base.cast(), first.iov_len) },
        None => 0,
    }
}

pub(crate) unsafe extern "C" fn recv(
    file: c_int,
    buffer: *mut u8,
    length: usize,
    flags: c_int,
) -> isize {
    // SAFETY: passed on under the caller's contract, with a buffer of that length.
    received(buffer, length, |buffer| unsafe {
        __real_recv(file, buffer, length, flags)
    })
}

pub(crate) unsafe extern "C" fn recvfrom(
    file: c_int,
    buffer: *mut u8,
    length: usize,
    flags: c_int,
    sender: *mut c_void,
    sender_length: *mut c_void,
) -> isize {
    // SAFETY: passed on under the caller's contract, with a buffer of that length.
    received(buffer, length, |buffer| unsafe {
        __real_recvfrom(file, buffer, length, flags, sender, sender_length)
    })
}

pub(crate) unsafe extern "C" fn getrandom(buffer: *mut u8, length: usize, flags: u32) -> isize {
    // SAFETY: passed on under the caller's contract, with a buffer of that length.
    received(buffer, length, |buffer| unsafe {
        __real_getrandom(buffer, length, flags)
    })
}

/// Receives into the buffer, or where that is protected into one of ours first.
fn received(buffer: *mut u8, length: usize, receive: impl FnOnce(*mut u8) -> isize) -> isize {
    if length == 0 || !outside::is_protected(buffer.addr()) {
        return receive(buffer);
    }
    let ours = Mapping::new(length);
    let outcome = receive(ours.base());
    if let Ok(count @ 1..) = usize::try_from(outcome) {
        // SAFETY: the caller's buffer and ours hold that many bytes.
        unsafe { outside::copy(buffer, ours.base(), count.min(length)) };
    }
    outcome
}
