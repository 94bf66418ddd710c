//! Blocks above 32 KiB, and those aligned to more than a page: whole chunks.
//!
//! They cost address space in steps of 64 KiB, but memory only as they are touched. A block grows and
//! shrinks in place where the chunks behind it allow.

use core::alloc::Layout;
use core::ptr::null_mut;

use super::chunk::{Chunk, Kind, chunk};
use super::region::{CHUNK_BYTES, CHUNK_SHIFT, REGION};
use super::spans;
use super::spans::Want;
use crate::domain::Domain;
use crate::lines::block;
use crate::stop::stop;

/// Blocks of this size and more take clean memory when zeroes are asked for.
const CLEAN_PREFERRED_BYTES: usize = 1 << 20;

/// Allocates; null without memory.
pub(crate) fn allocate(domain: Domain, layout: Layout) -> *mut u8 {
    take(domain, layout, Want::Anything).map_or(null_mut(), |(pointer, _)| pointer)
}

/// Allocates a block that has grown out of another; null without memory.
pub(crate) fn allocate_grown(domain: Domain, layout: Layout) -> *mut u8 {
    take(domain, layout, Want::Room).map_or(null_mut(), |(pointer, _)| pointer)
}

/// Allocates memory that reads as zero; null without memory.
pub(crate) fn allocate_zeroed(domain: Domain, layout: Layout) -> *mut u8 {
    let want = if layout.size() >= CLEAN_PREFERRED_BYTES {
        Want::Zeroes
    } else {
        Want::Anything
    };
    let Some((pointer, is_zero)) = take(domain, layout, want) else {
        return null_mut();
    };
    if !is_zero {
        // SAFETY: the block is that long and was just taken; nobody else knows it.
        unsafe { block::zero(pointer, layout.size()) };
    }
    pointer
}

/// A block, and whether it reads as zero.
fn take(domain: Domain, layout: Layout, want: Want) -> Option<(*mut u8, bool)> {
    let length = chunks(layout.size())?;
    let mut spans = spans(domain).lock();
    let span = spans.take(length, layout.align(), want)?;
    let head = chunk(span.head);
    head.set_length(length);
    head.set_kind(Kind::Large);
    Some((
        REGION.pointer((span.head as usize) << CHUNK_SHIFT),
        span.zeroed,
    ))
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
