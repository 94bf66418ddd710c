//! Codes of the protected arena's lines: whatever the allocator writes there, they follow.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};

use asc_alloc::line_code::{Finding, Flip};
use asc_alloc::lines::{Lines, StartError};
use asc_alloc::{AscAlloc, ProtectedScope};

#[global_allocator]
static ALLOC: AscAlloc = AscAlloc::new();

const LINE_BYTES: usize = 128;
const SEED: u64 = 0x11e5;

/// The tests flip bits and count examinations.
static ALONE: Mutex<()> = Mutex::new(());
static EXAMINED: AtomicUsize = AtomicUsize::new(0);

/// Corrects what it is called for.
fn examine(line: usize) {
    EXAMINED.fetch_add(1, Relaxed);
    let lines = lines();
    let mismatch = lines.remainder(line) ^ lines.stored(line).load(Relaxed);
    match lines.finding(mismatch) {
        Finding::OneBit(Flip::Line { byte, bit }) => flip(lines.address_of(line) + byte, bit),
        Finding::OneBit(Flip::Code { bit }) => {
            lines.stored(line).fetch_xor(1 << bit, Relaxed);
        }
        found => panic!("{found:?}"),
    }
}

fn lines() -> &'static Lines {
    Lines::start(LINE_BYTES, examine).expect("nothing protected was allocated before")
}

fn flip(address: usize, bit: u32) {
    let byte = lines().pointer(address);
    // SAFETY: a byte of the arena, which is never unmapped.
    let byte = unsafe { AtomicU8::from_ptr(byte) };
    byte.fetch_xor(1 << bit, Relaxed);
}

/// Every line of what is committed.
fn all_agree() {
    let bytes = asc_alloc::statistics().protected.committed_bytes as usize;
    let wrong = (0..bytes / LINE_BYTES).find(|&line| !lines().agrees(line));
    assert_eq!(wrong, None, "{}", lines().line_bytes());
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % end
    }
}

/// Stores to a block as an intercepted program does.
fn store(block: *mut u8, length: usize, value: u8) {
    lines().write(block.addr(), length, false, |offset, length| {
        // SAFETY: a piece of a live block.
        unsafe { block.wrapping_add(offset).write_bytes(value, length) };
    });
}

fn allocate(layout: Layout, zeroed: bool) -> *mut u8 {
    let _scope = ProtectedScope::enter();
    let block = if zeroed {
        // SAFETY: the size is not zero.
        unsafe { ALLOC.alloc_zeroed(layout) }
    } else {
        // SAFETY: likewise.
        unsafe { ALLOC.alloc(layout) }
    };
    assert!(!block.is_null());
    block
}

#[test]
fn codes_follow_every_block_through_its_life() {
    let _alone = ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    lines();
    let mut blocks: Vec<(*mut u8, Layout)> = Vec::new();
    for round in 0..4000 {
        if blocks.len() > 100 || (round % 3 == 2 && !blocks.is_empty()) {
            let (block, layout) = blocks.swap_remove(random.below(blocks.len()));
            // SAFETY: allocated below with this layout.
            unsafe { ALLOC.dealloc(block, layout) };
            continue;
        }
        let most = [64, 700, 40_000, 300_000][random.below(4)];
        let layout = Layout::from_size_align(1 + random.below(most), 8).unwrap();
        let zeroed = round % 2 == 0;
        let mut block = allocate(layout, zeroed);
        // SAFETY: the block is that long and initialised when it is zeroed.
        let is_zero = |block: *mut u8| unsafe {
            core::slice::from_raw_parts(block, layout.size())
                .iter()
                .all(|&byte| byte == 0)
        };
        assert!(!zeroed || is_zero(block));
        let from = random.below(layout.size());
        store(block.wrapping_add(from), layout.size() - from, round as u8);
        let mut last = layout;
        if round % 5 == 0 {
            let _scope = ProtectedScope::enter();
            last = Layout::from_size_align(1 + random.below(2 * most), 8).unwrap();
            // SAFETY: a live block with its layout.
            block = unsafe { ALLOC.realloc(block, layout, last.size()) };
            let kept = from.min(last.size()).saturating_sub(1);
            // SAFETY: the block is longer than that.
            assert!(!zeroed || kept == 0 || unsafe { *block } == 0);
        }
        blocks.push((block, last));
        if round % 200 == 0 {
            all_agree();
        }
    }
    for (block, layout) in blocks {
        // SAFETY: a live block with its layout.
        unsafe { ALLOC.dealloc(block, layout) };
    }
    ALLOC.return_memory();
    all_agree();
}

/// A bit that rots beside a new block is corrected before the block is zeroed; in the block itself it
/// would otherwise show as a flip of the zeroes.
#[test]
fn rot_in_a_dead_block_does_not_survive_its_reuse() {
    let _alone = ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    lines();
    let layout = Layout::from_size_align(48, 16).unwrap();
    for bit in 0..48 * 8 {
        let block = allocate(layout, false);
        store(block, 48, 0xA5);
        let before = EXAMINED.load(Relaxed);
        flip(block.addr() + bit / 8, bit as u32 % 8);
        // SAFETY: allocated above; the next block of the class is this one again.
        unsafe { ALLOC.dealloc(block, layout) };
        let again = allocate(layout, true);
        assert_eq!(again, block);
        // SAFETY: 48 zeroed bytes.
        assert_eq!(unsafe { core::slice::from_raw_parts(again, 48) }, [0; 48]);
        assert_eq!(EXAMINED.load(Relaxed), before + 1, "bit {bit}");
        // SAFETY: allocated above.
        unsafe { ALLOC.dealloc(again, layout) };
    }
    all_agree();
}

/// What a later write does not touch stays visible.
#[test]
fn a_write_does_not_launder_its_neighbour() {
    let _alone = ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    lines();
    let layout = Layout::from_size_align(LINE_BYTES, LINE_BYTES).unwrap();
    let block = allocate(layout, true);
    let line = lines().line_of(block.addr()).expect("it is protected");
    for bit in 0..LINE_BYTES * 8 {
        flip(block.addr() + bit / 8, bit as u32 % 8);
        // As a commit does it, for a word elsewhere in the line.
        let word = (block.addr() + (bit / 64 * 8 + 64) % LINE_BYTES) & !7;
        let change = lines().change(word, 0x0123_4567_89AB_CDEF);
        let pointer = lines().pointer(word).cast::<u64>();
        // SAFETY: an aligned word of the block.
        let stored_there = unsafe { AtomicU64::from_ptr(pointer) };
        stored_there.fetch_xor(0x0123_4567_89AB_CDEF, Relaxed);
        lines().stored(line).fetch_xor(change, Relaxed);
        let mismatch = lines().remainder(line) ^ lines().stored(line).load(Relaxed);
        let flipped = Flip::Line {
            byte: bit / 8,
            bit: bit as u32 % 8,
        };
        assert_eq!(lines().finding(mismatch), Finding::OneBit(flipped));
        examine(line);
        assert!(lines().agrees(line));
    }
    // SAFETY: allocated above.
    unsafe { ALLOC.dealloc(block, layout) };
}

#[test]
fn a_block_is_known_without_its_layout() {
    let _alone = ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    lines();
    for bytes in [1, 100, 5000, 100_000, 1 << 20] {
        let block = allocate(Layout::from_size_align(bytes, 16).unwrap(), false);
        assert!(AscAlloc::block_bytes(block).is_some_and(|found| found >= bytes));
        // SAFETY: allocated just now.
        unsafe { ALLOC.release(block) };
    }
    assert_eq!(AscAlloc::block_bytes(&raw const ALONE), None);
}

#[test]
fn other_lengths_are_refused() {
    let _alone = ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    lines();
    // Codes that are started stay as they are.
    assert_eq!(
        Lines::start(4096, examine).unwrap().line_bytes(),
        LINE_BYTES
    );
    for error in [
        StartError::LineLength(100),
        StartError::Late,
        StartError::Memory,
    ] {
        assert!(error.to_string().len() > 40, "{error}");
    }
}
