//! Random sequences of requests against a plain model: every block is aligned, disjoint from all
//! others, keeps its contents until it is freed, and reads as zero where that was asked.
//!
//! The allocator is also this program's global one, so proptest itself runs on it.

use std::alloc::{GlobalAlloc, Layout};
use std::collections::BTreeMap;

use asc_alloc::{AscAlloc, ProtectedScope};
use proptest::prelude::*;

#[global_allocator]
static ALLOC: AscAlloc = AscAlloc::new();

#[derive(Clone, Debug)]
enum Request {
    Allocate {
        bytes: usize,
        shift: u32,
        zeroed: bool,
        protected: bool,
    },
    Reallocate {
        which: usize,
        bytes: usize,
        protected: bool,
    },
    Free {
        which: usize,
    },
    ReturnMemory,
}

#[derive(Debug)]
struct Block {
    pointer: *mut u8,
    layout: Layout,
    pattern: u8,
    protected: bool,
}

/// Mostly small, sometimes beyond the largest class, at times several megabytes.
fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![
        8 => 1usize..=300,
        4 => 1usize..=5000,
        3 => 5000usize..=40_000,
        2 => 40_000usize..=400_000,
        1 => 400_000usize..=6_000_000,
    ]
}

fn requests() -> impl Strategy<Value = Request> {
    prop_oneof![
        10 => (sizes(), prop_oneof![6 => 0u32..=4, 2 => 5u32..=12, 1 => 13u32..=21], any::<bool>(),
            prop::bool::weighted(0.3))
            .prop_map(|(bytes, shift, zeroed, protected)| {
                Request::Allocate { bytes, shift, zeroed, protected }
            }),
        6 => (any::<usize>(), sizes(), prop::bool::weighted(0.3)).prop_map(
            |(which, bytes, protected)| Request::Reallocate { which, bytes, protected }
        ),
        8 => any::<usize>().prop_map(|which| Request::Free { which }),
        1 => Just(Request::ReturnMemory),
    ]
}

/// The blocks in use, by address.
#[derive(Default)]
struct Model {
    blocks: BTreeMap<usize, Block>,
    next_pattern: u8,
}

impl Model {
    fn apply(&mut self, request: &Request) {
        match *request {
            Request::Allocate {
                bytes,
                shift,
                zeroed,
                protected,
            } => {
                self.allocate(bytes, shift, zeroed, protected);
            }
            Request::Reallocate {
                which,
                bytes,
                protected,
            } => {
                if let Some(block) = self.remove(which) {
                    self.reallocate(block, bytes, protected);
                }
            }
            Request::Free { which } => {
                if let Some(block) = self.remove(which) {
                    block.check(block.layout.size());
                    // SAFETY: the block was allocated with this layout and is given up.
                    unsafe { ALLOC.dealloc(block.pointer, block.layout) };
                }
            }
            Request::ReturnMemory => ALLOC.return_memory(),
        }
    }

    fn allocate(&mut self, bytes: usize, shift: u32, zeroed: bool, protected: bool) {
        let layout = Layout::from_size_align(bytes, 1 << shift).unwrap();
        let scope = protected.then(ProtectedScope::enter);
        let pointer = if zeroed {
            // SAFETY: the size is not zero.
            unsafe { ALLOC.alloc_zeroed(layout) }
        } else {
            // SAFETY: the size is not zero.
            unsafe { ALLOC.alloc(layout) }
        };
        drop(scope);
        assert!(!pointer.is_null());
        if zeroed {
            // SAFETY: the block is that long and initialised.
            let contents = unsafe { std::slice::from_raw_parts(pointer, bytes) };
            assert!(is_filled(contents, 0), "not zeroed: {layout:?}");
        }
        self.insert(pointer, layout, protected);
    }

    fn reallocate(&mut self, block: Block, bytes: usize, protected: bool) {
        let scope = protected.then(ProtectedScope::enter);
        // SAFETY: the block was allocated with this layout; the size is not zero.
        let pointer = unsafe { ALLOC.realloc(block.pointer, block.layout, bytes) };
        drop(scope);
        assert!(!pointer.is_null());
        let kept = Block { pointer, ..block };
        kept.check(bytes.min(kept.layout.size()));
        let layout = Layout::from_size_align(bytes, kept.layout.align()).unwrap();
        let stayed = pointer == block.pointer;
        self.insert(
            pointer,
            layout,
            if stayed { block.protected } else { protected },
        );
    }

    fn insert(&mut self, pointer: *mut u8, layout: Layout, protected: bool) {
        let start = pointer.addr();
        assert_eq!(start % layout.align(), 0, "{layout:?}");
        assert_eq!(AscAlloc::is_protected(pointer), protected);
        if let Some((&before, block)) = self.blocks.range(..=start).next_back() {
            assert!(
                before + block.layout.size() <= start,
                "overlaps the block before it"
            );
        }
        if let Some((&after, _)) = self.blocks.range(start..).next() {
            assert!(
                start + layout.size() <= after,
                "overlaps the block behind it"
            );
        }
        self.next_pattern = self.next_pattern.wrapping_add(1);
        let pattern = self.next_pattern;
        // SAFETY: the block is that long and ours.
        unsafe { pointer.write_bytes(pattern, layout.size()) };
        self.blocks.insert(
            start,
            Block {
                pointer,
                layout,
                pattern,
                protected,
            },
        );
    }

    fn remove(&mut self, which: usize) -> Option<Block> {
        if self.blocks.is_empty() {
            return None;
        }
        let key = *self.blocks.keys().nth(which % self.blocks.len())?;
        self.blocks.remove(&key)
    }
}

impl Block {
    fn check(&self, bytes: usize) {
        // SAFETY: the block is live and was filled by `insert`.
        let contents = unsafe { std::slice::from_raw_parts(self.pointer, bytes) };
        assert!(
            is_filled(contents, self.pattern),
            "{self:?} was overwritten"
        );
    }
}

/// Compares piece by piece with a constant: a loop over bytes takes minutes without optimisation.
fn is_filled(contents: &[u8], pattern: u8) -> bool {
    let filled = [pattern; 4096];
    contents
        .chunks(filled.len())
        .all(|piece| *piece == filled[..piece.len()])
}

impl Drop for Model {
    fn drop(&mut self) {
        while let Some(block) = self.remove(0) {
            if !std::thread::panicking() {
                block.check(block.layout.size());
            }
            // SAFETY: the block was allocated with this layout and is given up.
            unsafe { ALLOC.dealloc(block.pointer, block.layout) };
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_sequence_of_requests_keeps_blocks_whole(
        requests in prop::collection::vec(requests(), 1..400)
    ) {
        let mut model = Model::default();
        for request in &requests {
            model.apply(request);
        }
    }
}

/// What was freed reads as zero when zeroes are asked for, small and large.
#[test]
fn used_memory_is_zeroed_again() {
    for bytes in [16, 100, 4096, 30_000, 70_000, 3 << 20] {
        for _ in 0..100 {
            let used = vec![0xffu8; bytes];
            drop(std::hint::black_box(used));
            let zeroed = std::hint::black_box(vec![0u8; bytes]);
            assert!(is_filled(&zeroed, 0), "{bytes}");
        }
    }
}
