//! Every way to write memory that the completeness test wants hooked.
//!
//! Each function writes through a pointer it was given, or lets the standard
//! library do so. Odd widths are here because ThreadSanitizer's pass would
//! leave them out, and vectors because a pass may know only the narrow ones.

#![allow(missing_docs, clippy::missing_safety_doc)]

use std::arch::x86_64::*;
use std::collections::{BTreeMap, HashMap};
use std::mem::MaybeUninit;
use std::sync::Mutex;
use std::sync::atomic::*;

macro_rules! assignments {
    ($($name:ident: $type:ty;)*) => {
        $(
            #[inline(never)]
            #[unsafe(no_mangle)]
            pub fn $name(to: &mut $type, value: $type) { *to = value; }
        )*
    };
}

#[derive(Clone, Copy)]
#[repr(C, packed)]
pub struct Packed(u8, u64, u16, u128);

#[derive(Clone, Copy)]
pub struct Mixed(u8, u32, [u8; 5], u64);

#[derive(Clone)]
pub enum Shape {
    Empty,
    Point(u16),
    Segment(u64, u64),
    Text(String),
}

assignments! {
    assign_bool: bool;
    assign_char: char;
    assign_u8: u8;
    assign_u16: u16;
    assign_u32: u32;
    assign_u64: u64;
    assign_u128: u128;
    assign_f32: f32;
    assign_f64: f64;
    assign_bytes_3: [u8; 3];
    assign_bytes_5: [u8; 5];
    assign_bytes_6: [u8; 6];
    assign_bytes_7: [u8; 7];
    assign_bytes_12: [u8; 12];
    assign_bytes_33: [u8; 33];
    assign_bytes_4096: [u8; 4096];
    assign_pair: (u8, u64);
    assign_packed: Packed;
    assign_mixed: Mixed;
    assign_option: Option<u64>;
    assign_shape: Shape;
    assign_slice: &'static [u8];
    assign_vector_128: __m128i;
    assign_vector_256: __m256i;
    assign_vector_512: __m512i;
    assign_vector_f32: __m256;
    assign_vector_f64: __m512d;
}

#[unsafe(no_mangle)]
pub fn odd_integers(to: &mut [u8], value: u64) {
    to[..3].copy_from_slice(&value.to_le_bytes()[..3]);
    to[3..9].copy_from_slice(&value.to_le_bytes()[..6]);
    to[9..16].copy_from_slice(&value.to_le_bytes()[..7]);
}

#[unsafe(no_mangle)]
pub fn packed_fields(to: &mut Packed, value: u64) {
    to.0 = value as u8;
    to.1 = value;
    to.2 = value as u16;
    to.3 = value.into();
}

#[unsafe(no_mangle)]
pub unsafe fn raw_writes(to: *mut u64, value: u64) {
    // SAFETY: compiled and never run; a caller would pass a place of eight bytes.
    unsafe {
        to.write(value);
        to.cast::<u8>().add(3).cast::<u32>().write_unaligned(value as u32);
        to.write_volatile(value);
    }
}

#[unsafe(no_mangle)]
pub unsafe fn memory_operations(to: *mut u8, from: *const u8, count: usize) {
    // SAFETY: compiled and never run; a caller would pass places that are long enough.
    unsafe {
        to.copy_from(from, count);
        to.add(count).copy_from_nonoverlapping(from, count);
        to.write_bytes(0xa5, count);
        to.cast::<[u8; 100]>().write_bytes(0, 1);
        to.cast::<[u8; 24]>().write_unaligned(from.cast::<[u8; 24]>().read_unaligned());
    }
}

#[unsafe(no_mangle)]
pub fn uninitialised(to: &mut [MaybeUninit<u32>], value: u32) {
    to.iter_mut().for_each(|slot| _ = slot.write(value));
}

#[unsafe(no_mangle)]
pub fn loops(to: &mut [u32], from: &[u32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = to.wrapping_add(*from));
    to.iter_mut().enumerate().for_each(|(index, to)| *to ^= index as u32);
    to.iter_mut().filter(|value| **value % 3 == 0).for_each(|value| *value = 7);
    to.fill(9);
}

#[unsafe(no_mangle)]
pub fn strided(to: &mut [[u16; 5]], value: u16) {
    to.iter_mut().for_each(|row| row[3] = value);
}

#[unsafe(no_mangle)]
pub fn rearrangements(to: &mut Vec<u64>, other: &mut [u64]) {
    to.swap(0, 1);
    to.rotate_left(3);
    to.reverse();
    to.sort_unstable();
    to.sort();
    to.dedup();
    to.retain(|value| value % 2 == 0);
    to.drain(..2);
    to.insert(1, 5);
    to.swap_with_slice(other);
    std::mem::swap(&mut to[0], &mut other[0]);
    let _ = std::mem::replace(&mut other[1], 8);
}

#[unsafe(no_mangle)]
pub fn enums(to: &mut Shape, text: &str) {
    match to {
        Shape::Empty => *to = Shape::Point(3),
        Shape::Point(x) => *x += 1,
        Shape::Segment(from, until) => std::mem::swap(from, until),
        Shape::Text(old) => old.push_str(text),
    }
}

#[unsafe(no_mangle)]
pub fn closures(to: &mut u64, act: &mut dyn FnMut(&mut u64)) -> Box<dyn FnMut() -> u64> {
    act(to);
    let mut count = *to;
    Box::new(move || {
        count += 1;
        count
    })
}

#[unsafe(no_mangle)]
pub fn collections(
    map: &mut HashMap<u32, String>,
    tree: &mut BTreeMap<[u8; 6], [u8; 3]>,
    text: &mut String,
) {
    map.insert(1, text.clone());
    map.entry(2).or_default().push('x');
    map.retain(|key, _| key % 2 == 0);
    tree.insert([1; 6], [2; 3]);
    tree.pop_first();
    text.insert_str(0, "front");
    *text = format!("{map:?} {tree:?}");
}

static COUNTER: AtomicU32 = AtomicU32::new(0);
static STATE: Mutex<[u8; 3]> = Mutex::new([0; 3]);
thread_local!(static LOCAL: std::cell::Cell<[u8; 6]> = const { std::cell::Cell::new([0; 6]) });

#[unsafe(no_mangle)]
pub fn globals(value: u32) {
    COUNTER.fetch_add(value, Ordering::Relaxed);
    *STATE.lock().unwrap() = [value as u8; 3];
    LOCAL.set([value as u8; 6]);
}

macro_rules! atomics {
    ($($name:ident: $atomic:ty, $type:ty;)*) => {
        $(
            #[unsafe(no_mangle)]
            pub fn $name(at: &$atomic, value: $type) -> $type {
                at.store(value, Ordering::Release);
                at.swap(value, Ordering::AcqRel);
                at.fetch_add(value, Ordering::SeqCst);
                at.fetch_sub(value, Ordering::SeqCst);
                at.fetch_and(value, Ordering::Relaxed);
                at.fetch_or(value, Ordering::Relaxed);
                at.fetch_xor(value, Ordering::Relaxed);
                at.fetch_nand(value, Ordering::Relaxed);
                at.fetch_max(value, Ordering::SeqCst);
                at.fetch_min(value, Ordering::SeqCst);
                let _ = at.compare_exchange(value, 1, Ordering::SeqCst, Ordering::Relaxed);
                let _ = at.compare_exchange_weak(value, 1, Ordering::AcqRel, Ordering::Acquire);
                at.load(Ordering::Acquire)
            }
        )*
    };
}

atomics! {
    atomics_u8: AtomicU8, u8;
    atomics_i16: AtomicI16, i16;
    atomics_u32: AtomicU32, u32;
    atomics_i64: AtomicI64, i64;
    atomics_usize: AtomicUsize, usize;
}

#[unsafe(no_mangle)]
pub fn atomic_pointers(at: &AtomicPtr<u8>, flag: &AtomicBool, to: *mut u8) {
    at.store(to, Ordering::Release);
    at.swap(to, Ordering::AcqRel);
    flag.fetch_not(Ordering::SeqCst);
    let _ = flag.compare_exchange(true, false, Ordering::SeqCst, Ordering::SeqCst);
}

#[unsafe(no_mangle)]
#[target_feature(enable = "cmpxchg16b")]
pub unsafe fn atomic_128(at: *mut u128, old: u128, new: u128) -> u128 {
    // SAFETY: compiled and never run; a caller would pass valid places on a processor that has this.
    unsafe { cmpxchg16b(at, old, new, Ordering::SeqCst, Ordering::SeqCst) }
}

#[unsafe(no_mangle)]
pub unsafe fn vectors_128(to: *mut u8, value: __m128i) {
    // SAFETY: compiled and never run; a caller would pass valid places on a processor that has this.
    unsafe {
        _mm_store_si128(to.cast(), value);
        _mm_storeu_si128(to.add(3).cast(), value);
        _mm_storel_epi64(to.cast(), value);
    }
}

#[unsafe(no_mangle)]
#[target_feature(enable = "avx2")]
pub unsafe fn vectors_256(to: *mut i32, value: __m256i, mask: __m256i) {
    // SAFETY: compiled and never run; a caller would pass valid places on a processor that has this.
    unsafe {
        _mm256_store_si256(to.cast(), value);
        _mm256_storeu_si256(to.byte_add(5).cast(), value);
        _mm256_maskstore_epi32(to, mask, value);
    }
}

#[unsafe(no_mangle)]
#[target_feature(enable = "avx512f")]
pub unsafe fn vectors_512(to: *mut i32, at: __m512i, value: __m512i, mask: __mmask16) {
    // SAFETY: compiled and never run; a caller would pass valid places on a processor that has this.
    unsafe {
        _mm512_store_si512(to.cast(), value);
        _mm512_storeu_si512(to.byte_add(7).cast(), value);
        _mm512_mask_storeu_epi32(to, mask, value);
        _mm512_mask_compressstoreu_epi32(to, mask, value);
        _mm512_i32scatter_epi32::<4>(to, at, value);
        _mm512_mask_i32scatter_epi32::<4>(to, mask, at, value);
    }
}

#[unsafe(no_mangle)]
pub unsafe fn non_temporal(to: *mut u8, value: __m128i) {
    // SAFETY: compiled and never run; a caller would pass valid places on a processor that has this.
    unsafe {
        _mm_stream_si128(to.cast(), value);
        _mm_stream_si32(to.cast(), 7);
    }
}

#[unsafe(no_mangle)]
#[target_feature(enable = "sse2")]
pub unsafe fn byte_mask(to: *mut i8, value: __m128i, mask: __m128i) {
    // SAFETY: compiled and never run; a caller would pass valid places on a processor that has this.
    unsafe { _mm_maskmoveu_si128(value, mask, to) }
}
