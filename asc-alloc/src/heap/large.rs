//! Blocks above 32 KiB, and those aligned to more than a page: whole chunks.
//!
//! They cost address space in steps of 64 KiB, but memory only as they are touched. A block grows and
//! shrinks in place where the chunks behind it allow.

use core::alloc::Layout;

use super::chunk::{Chunk, Kind, chunk};
use super::region::{CHUNK_BYTES, CHUNK_SHIFT, REGION};
use super::spans;
use crate::domain::{self, Domain};
use crate::stop::stop;

/// Blocks of this size and more take clean memory when zeroes are asked for.
const CLEAN_PREFERRED_BYTES: usize = 1 << 20;

/// Allocates; null without memory.
pub(crate) fn allocate(layout: Layout, zeroed: bool) -> *mut u8 {
    let Some(length) = chunks(layout.size()) else {
        return core::ptr::null_mut();
    };
    let prefer_clean = zeroed && layout.size() >= CLEAN_PREFERRED_BYTES;
    let taken = {
        let mut spans = spans(domain::current()).lock();
        let taken = spans.take(length, layout.align(), prefer_clean);
        if let Some(span) = taken {
            let head = chunk(span.head);
            head.set_length(length);
            head.set_kind(Kind::Large);
        }
        taken
    };
    let Some(span) = taken else {
        return core::ptr::null_mut();
    };
    let pointer = REGION.pointer((span.head as usize) << CHUNK_SHIFT);
    if zeroed && !span.zeroed {
        // SAFETY: the span is that long and was just taken; nobody else knows it.
        unsafe { pointer.write_bytes(0, layout.size()) };
    }
    pointer
}

/// Frees a block.
pub(crate) fn free(offset: usize) {
    let (head, domain) = locate(offset);
    let mut spans = spans(domain).lock();
    let length = large_chunk(head, offset).length();
    spans.give(head, length);
}

/// Makes a block `bytes` long in place; false when it must move.
pub(crate) fn resize(offset: usize, bytes: usize) -> bool {
    let (head, domain) = locate(offset);
    let Some(length) = chunks(bytes) else {
        return false;
    };
    let old = large_chunk(head, offset).length();
    if length == old {
        return true;
    }
    let mut spans = spans(domain).lock();
    if length < old {
        spans.shrink(head, length);
        return true;
    }
    spans.grow(head, length)
}

fn chunks(bytes: usize) -> Option<u32> {
    u32::try_from(bytes.div_ceil(CHUNK_BYTES)).ok()
}

fn locate(offset: usize) -> (u32, Domain) {
    match REGION.domain(offset) {
        Some(domain) if offset.is_multiple_of(CHUNK_BYTES) => {
            ((offset >> CHUNK_SHIFT) as u32, domain)
        }
        _ => not_allocated(offset),
    }
}

fn large_chunk(head: u32, offset: usize) -> &'static Chunk {
    let record = chunk(head);
    if record.kind() == Kind::Large {
        record
    } else {
        not_allocated(offset)
    }
}

#[cold]
fn not_allocated(offset: usize) -> ! {
    stop(format_args!(
        "{:p} was freed or resized as a large block and is none: was it freed before, or with \
         another layout?",
        REGION.pointer(offset)
    ))
}
