//! Memory that returns to the system. The only test of its program, because it counts memory.

use asc_alloc::{AscAlloc, statistics};

#[global_allocator]
static ALLOC: AscAlloc = AscAlloc::new();

/// Memory goes back to the system when much of it is free, and at the latest on request.
#[test]
fn free_memory_returns_to_the_system() {
    let before = statistics().protected.returned_bytes;
    let blocks = ALLOC.protected(|| (0..100).map(|_| vec![7u8; 1 << 20]).collect::<Vec<_>>());
    drop(blocks);
    let after = statistics().protected;
    assert!(after.returned_bytes - before >= 64 << 20, "{after:?}");
    let (small, large) = ALLOC.protected(|| (vec![1u8; 1 << 20], vec![2u8; 1 << 20]));
    drop(small);
    ALLOC.return_memory();
    assert!(large.iter().all(|&byte| byte == 2));
    assert!(statistics().protected.dirty_bytes < 32 << 20);

    // Slabs too, once all of their objects are free.
    let before = statistics().ordinary.used_bytes;
    let blocks: Vec<Box<[u64; 12]>> = (0..400_000).map(|_| Box::new([1; 12])).collect();
    let held = statistics().ordinary.used_bytes;
    assert!(held - before >= 36 << 20, "{held}");
    drop(blocks);
    ALLOC.return_memory();
    let left = statistics().ordinary.used_bytes;
    assert!(left <= before + (1 << 20), "{left}");

    // What is cut off a large block is used again.
    let committed = statistics().ordinary.committed_bytes;
    for _ in 0..100 {
        let mut large: Vec<u8> = Vec::with_capacity(64 << 20);
        large.shrink_to(1 << 20);
        assert!(large.capacity() < 2 << 20);
    }
    let grown = statistics().ordinary.committed_bytes - committed;
    assert!(grown <= 256 << 20, "{grown}");
}
