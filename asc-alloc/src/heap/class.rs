//! The slabs of one size class in one arena.
//!
//! 1. A thread cache that runs empty takes a batch of objects, lowest addresses first, from the
//!    slabs that have free ones.
//! 2. A cache that is full gives a batch back; each object's bit is set in its slab's free map. A
//!    bit that is set already is a block freed twice.
//! 3. A slab whose objects are all free goes back to the spans, except one that is kept for the next
//!    request.

use core::cell::Cell;
use core::sync::atomic::Ordering::Relaxed;

use super::chunk::{Chunk, FREE_MAP_WORDS, Kind, NONE, chunk, free_map, slab_chunks, slab_objects};
use super::region::{CHUNK_BYTES, CHUNK_SHIFT, REGION};
use super::spans::Want;
use super::{Slot, spans};
use crate::domain::Domain;
use crate::size_class::SizeClass;
use crate::stop::stop;

/// Free slabs that a class keeps.
const FREE_SLABS_MAX: u32 = 1;

/// Invariants:
///
/// 1. `partial` is a doubly linked list of exactly the slabs with a free object.
/// 2. A slab's `free` is the number of set bits in its free map, all below its object count, and
///    no set bit lies below its `first_word`.
/// 3. `free_slabs` of the slabs in the list have only free objects.
#[derive(Debug)]
pub(crate) struct Class {
    partial: u32,
    free_slabs: u32,
}

impl Class {
    pub(crate) const fn new() -> Self {
        Self {
            partial: NONE,
            free_slabs: 0,
        }
    }

    /// Fills `slots` from its start; says how many objects it got, fewer only without memory.
    pub(crate) fn take(&mut self, domain: Domain, class: SizeClass, slots: &[Cell<Slot>]) -> usize {
        let mut taken = 0;
        while taken < slots.len() {
            if self.partial == NONE && !self.add_slab(domain, class) {
                break;
            }
            let head = self.partial;
            let slab = chunk(head);
            if slab.free() == slab_objects(class) {
                self.free_slabs -= 1;
            }
            taken += take_from_slab(head, slab, class, &slots[taken..]);
            if slab.free() == 0 {
                self.unlink(head, slab);
            }
        }
        taken
    }

    /// Takes objects back.
    pub(crate) fn give(&mut self, domain: Domain, class: SizeClass, slots: &[Cell<Slot>]) {
        for slot in slots {
            self.give_one(domain, class, slot.get().offset());
        }
    }

    fn give_one(&mut self, domain: Domain, class: SizeClass, offset: usize) {
        let (head, slab, number) = locate(class, offset);
        let (word, bit) = (number / 64, 1 << (number % 64));
        let map = free_map(head);
        let old = map[word].load(Relaxed);
        if old & bit != 0 {
            stop(format_args!(
                "the block at {:p} was freed twice: find the second free with AddressSanitizer \
                 or valgrind",
                REGION.pointer(offset)
            ));
        }
        map[word].store(old | bit, Relaxed);
        if (word as u32) < slab.first_word() {
            slab.set_first_word(word as u32);
        }
        let free = slab.free() + 1;
        slab.set_free(free);
        if free == 1 {
            self.link(head, slab);
        }
        if free == slab_objects(class) {
            self.release_slab(domain, class, head, slab);
        }
    }

    /// A slab has become free: keeps it or gives it back.
    fn release_slab(&mut self, domain: Domain, class: SizeClass, head: u32, slab: &Chunk) {
        if self.free_slabs < FREE_SLABS_MAX {
            self.free_slabs += 1;
            return;
        }
        self.unlink(head, slab);
        let length = slab_chunks(class);
        for index in head..head + length {
            chunk(index).set_kind(Kind::Inside);
        }
        spans(domain).lock().give(head, length);
    }

    fn add_slab(&mut self, domain: Domain, class: SizeClass) -> bool {
        let length = slab_chunks(class);
        let Some(span) = spans(domain)
            .lock()
            .take(length, CHUNK_BYTES, Want::Anything)
        else {
            return false;
        };
        for index in span.head..span.head + length {
            let part = chunk(index);
            part.set_class(class);
            part.set_head(span.head);
            part.set_kind(Kind::Slab);
        }
        let (slab, objects) = (chunk(span.head), slab_objects(class));
        slab.set_free(objects);
        slab.set_first_word(0);
        slab.set_fresh_from(if span.zeroed { 0 } else { objects });
        for (word, map) in free_map(span.head).iter().enumerate() {
            let objects_left = (objects as usize).saturating_sub(word * 64);
            if objects_left == 0 {
                break;
            }
            map.store(u64::MAX >> (64 - objects_left.min(64)), Relaxed);
        }
        self.link(span.head, slab);
        self.free_slabs += 1;
        true
    }

    fn link(&mut self, head: u32, slab: &Chunk) {
        slab.set_previous(NONE);
        slab.set_next(self.partial);
        if self.partial != NONE {
            chunk(self.partial).set_previous(head);
        }
        self.partial = head;
    }

    fn unlink(&mut self, head: u32, slab: &Chunk) {
        let (previous, next) = (slab.previous(), slab.next());
        if next != NONE {
            chunk(next).set_previous(previous);
        }
        if previous == NONE {
            if self.partial != head {
                stop(format_args!(
                    "slab {head} is not where its list starts: the heap is corrupt"
                ));
            }
            self.partial = next;
        } else {
            chunk(previous).set_next(next);
        }
    }
}

/// Takes free objects of one slab, lowest first.
fn take_from_slab(head: u32, slab: &Chunk, class: SizeClass, slots: &[Cell<Slot>]) -> usize {
    let (start, bytes) = ((head as usize) << CHUNK_SHIFT, class.bytes());
    let fresh_from = slab.fresh_from() as usize;
    let map = free_map(head);
    let mut word = slab.first_word() as usize;
    let mut taken = 0;
    let mut last = 0;
    while taken < slots.len() && word < FREE_MAP_WORDS {
        let mut bits = map[word].load(Relaxed);
        while bits != 0 && taken < slots.len() {
            last = word * 64 + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            slots[taken].set(Slot::new(start + last * bytes, last >= fresh_from));
            taken += 1;
        }
        map[word].store(bits, Relaxed);
        if bits == 0 {
            word += 1;
        }
        // Words at and behind the end of the map of a larger class are never set.
        if word * 64 >= slab_objects(class) as usize {
            break;
        }
    }
    if taken > 0 {
        slab.set_fresh_from((fresh_from).max(last + 1) as u32);
    }
    slab.set_first_word(word as u32);
    slab.set_free(slab.free() - taken as u32);
    taken
}

/// The slab of an object and the object's number in it. Stops when there is no such object.
fn locate(class: SizeClass, offset: usize) -> (u32, &'static Chunk, usize) {
    let part = chunk((offset >> CHUNK_SHIFT) as u32);
    if part.is_slab_of(class) {
        let head = part.head();
        let within = offset.wrapping_sub((head as usize) << CHUNK_SHIFT);
        let number = class.quotient(within);
        if number < slab_objects(class) as usize && number * class.bytes() == within {
            return (head, chunk(head), number);
        }
    }
    stop(format_args!(
        "{:p} was freed as a block of {} bytes and is none: was it freed with another layout, or \
         before?",
        REGION.pointer(offset),
        class.bytes()
    ))
}
