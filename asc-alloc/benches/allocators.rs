//! What the allocator costs beside glibc's malloc, mimalloc and jemalloc, as ratios to glibc.
//!
//! ```text
//! cargo bench -p asc-alloc --features rivals --bench allocators [-- ROUNDS [PART_OF_A_NAME]]
//! ```
//!
//! 1. Each workload calls an allocator directly; the program itself runs on the system's.
//! 2. A round runs a workload once on each allocator, in an order that rotates, so that every
//!    allocator meets the same machine.
//! 3. A round's ratio compares neighbours in time. Printed are the median ratio to glibc, with the
//!    smallest and largest of all rounds, and glibc's own median time per operation.
//!
//! The random numbers come from one printed seed and are the same for every allocator and round.

#[path = "../tests/support/random.rs"]
mod random;

use random::Random;
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::Barrier;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use asc_alloc::AscAlloc;
use mimalloc::MiMalloc;
use tikv_jemallocator::Jemalloc;

const SEED: u64 = 0x5eed_a110;
const ROUNDS_DEFAULT: usize = 21;
const ALIGNMENT: usize = 8;

fn main() {
    // Cargo adds an option of its own.
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"));
    let rounds = arguments.next().map_or(ROUNDS_DEFAULT, |rounds| {
        rounds
            .parse()
            .expect("the first argument is the number of rounds")
    });
    let part = arguments.next().unwrap_or_default();
    println!("seed {SEED:#x}, {rounds} rounds; ratios to glibc: median (smallest .. largest)");
    println!(
        "{:<34} {:>9}  {:<22} {:<22} {:<22}",
        "workload", "glibc ns", "asc-alloc", "mimalloc", "jemalloc"
    );
    let mut met = true;
    macro_rules! compare {
        ($($name:literal: $workload:ident;)*) => {$(
            met &= !$name.contains(&part) || compare($name, rounds, &[
                &|| $workload(&System),
                &|| $workload(&AscAlloc::new()),
                &|| $workload(&MiMalloc),
                &|| $workload(&Jemalloc),
            ]);
        )*};
    }
    compare! {
        "one small block, taken and freed": pair;
        "small churn, 1,000 live blocks": small_churn;
        "mixed sizes to 32 KiB": mixed_churn;
        "large blocks, 40 KiB to 1 MiB": large_churn;
        "build and drop, 20,000 blocks": build_and_drop;
        "zeroed, 64 B to 16 KiB": zeroed;
        "growth to 4 MiB, all of it written": growth_written;
        "growth to 4 MiB, only the ends": growth_of_ends;
        "growth of 64 vectors in turn": growth_in_turn;
        "small churn, 2 threads": small_churn_threads;
        "mixed sizes, 2 threads": mixed_churn_threads;
        "producer and consumer": producer_consumer;
    }
    println!("asc-alloc within 1.15 of glibc everywhere: {met}");
}

/// Prints one row; whether the second contender's median is within 1.15 of the first's.
fn compare(name: &str, rounds: usize, contenders: &[&dyn Fn() -> f64; 4]) -> bool {
    let mut times = vec![[0.0; 4]; rounds];
    for contender in contenders {
        contender();
    }
    for (round, row) in times.iter_mut().enumerate() {
        for turn in 0..contenders.len() {
            let index = (turn + round) % contenders.len();
            row[index] = contenders[index]();
        }
    }
    print!(
        "{name:<34} {:>9.1} ",
        median(times.iter().map(|row| row[0]))
    );
    let mut first_ratio = 0.0;
    for index in 1..contenders.len() {
        let ratios = times.iter().map(|row| row[index] / row[0]);
        let middle = median(ratios.clone());
        let smallest = ratios.clone().fold(f64::INFINITY, f64::min);
        let largest = ratios.fold(0.0, f64::max);
        print!(
            " {:<22}",
            format!("{middle:.2} ({smallest:.2} .. {largest:.2})")
        );
        if index == 1 {
            first_ratio = middle;
        }
    }
    println!();
    first_ratio <= 1.15
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A block in use. Freed by [`Block::free`], not by a destructor: the allocator is a parameter.
struct Block {
    pointer: *mut u8,
    layout: Layout,
}

// SAFETY: a block is plain memory; whoever has the value frees it, on any thread.
unsafe impl Send for Block {}

impl Block {
    /// Allocates and writes the first and last byte, as a program would. The compiler knows glibc's
    /// `malloc` and would leave out a block whose address it can follow to its end.
    fn new<A: GlobalAlloc>(allocator: &A, bytes: usize) -> Self {
        let layout = Layout::from_size_align(bytes, ALIGNMENT).expect("a small size");
        // SAFETY: no workload asks for zero bytes.
        let pointer = black_box(unsafe { allocator.alloc(layout) });
        assert!(!pointer.is_null());
        // SAFETY: the block is that long.
        unsafe { pointer.write(1) };
        // SAFETY: likewise.
        unsafe { pointer.wrapping_add(bytes - 1).write(1) };
        // Stores to memory that is freed soon would be left out too.
        let pointer = black_box(pointer);
        Self { pointer, layout }
    }

    fn grow<A: GlobalAlloc>(&mut self, allocator: &A, bytes: usize) {
        // SAFETY: the block has this layout.
        let pointer = black_box(unsafe { allocator.realloc(self.pointer, self.layout, bytes) });
        assert!(!pointer.is_null());
        self.layout = Layout::from_size_align(bytes, ALIGNMENT).expect("a small size");
        self.pointer = pointer;
        // SAFETY: the block is that long.
        unsafe { pointer.wrapping_add(bytes - 1).write(1) };
        self.pointer = black_box(pointer);
    }

    fn free<A: GlobalAlloc>(self, allocator: &A) {
        // SAFETY: the block has this layout and is given up.
        unsafe { allocator.dealloc(self.pointer, self.layout) };
    }
}

impl Random {
    /// Between the two, each doubling as likely as the next.
    fn size(&mut self, smallest: usize, largest: usize) -> usize {
        let doublings = (largest / smallest).ilog2() as usize;
        let base = smallest << self.below(doublings);
        base + self.below(base)
    }
}

fn nanoseconds_each(start: Instant, operations: usize) -> f64 {
    start.elapsed().as_secs_f64() * 1e9 / operations as f64
}

fn pair<A: GlobalAlloc>(allocator: &A) -> f64 {
    const OPERATIONS: usize = 200_000;
    let start = Instant::now();
    for _ in 0..OPERATIONS {
        black_box(Block::new(allocator, black_box(64))).free(allocator);
    }
    nanoseconds_each(start, OPERATIONS)
}

/// Frees and allocates at random places among the live blocks.
fn churn<A: GlobalAlloc>(
    allocator: &A,
    operations: usize,
    live: usize,
    (smallest, largest): (usize, usize),
    seed: u64,
) -> f64 {
    let mut random = Random(SEED ^ seed);
    let mut blocks: Vec<Block> = (0..live)
        .map(|_| Block::new(allocator, random.size(smallest, largest)))
        .collect();
    let start = Instant::now();
    for _ in 0..operations {
        let place = random.below(live);
        let fresh = Block::new(allocator, random.size(smallest, largest));
        std::mem::replace(&mut blocks[place], fresh).free(allocator);
    }
    let each = nanoseconds_each(start, operations);
    blocks.into_iter().for_each(|block| block.free(allocator));
    each
}

fn small_churn<A: GlobalAlloc>(allocator: &A) -> f64 {
    churn(allocator, 200_000, 1_000, (16, 512), 1)
}

fn mixed_churn<A: GlobalAlloc>(allocator: &A) -> f64 {
    churn(allocator, 100_000, 1_000, (16, 32 << 10), 2)
}

fn large_churn<A: GlobalAlloc>(allocator: &A) -> f64 {
    churn(allocator, 10_000, 40, (40 << 10, 1 << 20), 3)
}

/// A data structure that is built up, and goes away in the order it was built.
fn build_and_drop<A: GlobalAlloc>(allocator: &A) -> f64 {
    const BLOCKS: usize = 20_000;
    const TIMES: usize = 5;
    let mut random = Random(SEED);
    let mut blocks = Vec::with_capacity(BLOCKS);
    let start = Instant::now();
    for _ in 0..TIMES {
        blocks.extend((0..BLOCKS).map(|_| Block::new(allocator, random.size(16, 256))));
        blocks.drain(..).for_each(|block| block.free(allocator));
    }
    nanoseconds_each(start, BLOCKS * TIMES)
}

fn zeroed<A: GlobalAlloc>(allocator: &A) -> f64 {
    const OPERATIONS: usize = 50_000;
    const LIVE: usize = 100;
    let mut random = Random(SEED);
    let mut blocks: Vec<Option<Block>> = (0..LIVE).map(|_| None).collect();
    let start = Instant::now();
    for _ in 0..OPERATIONS {
        let layout =
            Layout::from_size_align(random.size(64, 16 << 10), ALIGNMENT).expect("a small size");
        // SAFETY: the size is not zero.
        let pointer = black_box(unsafe { allocator.alloc_zeroed(layout) });
        let place = random.below(LIVE);
        if let Some(block) = blocks[place].replace(Block { pointer, layout }) {
            block.free(allocator);
        }
    }
    let each = nanoseconds_each(start, OPERATIONS);
    blocks
        .into_iter()
        .flatten()
        .for_each(|block| block.free(allocator));
    each
}

/// Doubles one block and writes the new half, as a vector that is pushed to. An operation is one
/// doubling.
fn growth_written<A: GlobalAlloc>(allocator: &A) -> f64 {
    growth(allocator, |block, old| {
        let added = block.layout.size() - old;
        // SAFETY: the block has grown by that much.
        unsafe { block.pointer.wrapping_add(old).write_bytes(1, added) };
        black_box(block.pointer);
    })
}

/// The same without the writing, which leaves nothing but reallocation. glibc's best case: a lone
/// block at the end of its heap grows by moving that end. Here a block has a place for its size up to
/// 32 KiB, so it moves eleven times and 64 KiB are copied; from there on it grows in place.
fn growth_of_ends<A: GlobalAlloc>(allocator: &A) -> f64 {
    growth(allocator, |_, _| ())
}

fn growth<A: GlobalAlloc>(allocator: &A, fill: impl Fn(&Block, usize)) -> f64 {
    const TIMES: usize = 20;
    let mut operations = 0;
    let start = Instant::now();
    for _ in 0..TIMES {
        let mut block = Block::new(allocator, 16);
        while block.layout.size() < 4 << 20 {
            let old = block.layout.size();
            block.grow(allocator, old * 2);
            fill(&block, old);
            operations += 1;
        }
        block.free(allocator);
    }
    nanoseconds_each(start, operations)
}

/// Doubles many blocks in turn, so that none can grow where it lies.
fn growth_in_turn<A: GlobalAlloc>(allocator: &A) -> f64 {
    const BLOCKS: usize = 64;
    const TIMES: usize = 10;
    let mut operations = 0;
    let start = Instant::now();
    for _ in 0..TIMES {
        let mut blocks: Vec<Block> = (0..BLOCKS).map(|_| Block::new(allocator, 16)).collect();
        while blocks[0].layout.size() < 64 << 10 {
            for block in &mut blocks {
                let bytes = block.layout.size() * 2;
                block.grow(allocator, bytes);
                operations += 1;
            }
        }
        blocks.into_iter().for_each(|block| block.free(allocator));
    }
    nanoseconds_each(start, operations)
}

/// The slowest of two threads that do the same at the same time.
fn on_two_threads(work: impl Fn(u64) -> f64 + Sync) -> f64 {
    let together = Barrier::new(2);
    let run = |seed| {
        together.wait();
        work(seed)
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(|| run(11));
        let second = scope.spawn(|| run(12));
        let times = [first.join(), second.join()].map(|time| time.expect("no workload panics"));
        times[0].max(times[1])
    })
}

fn small_churn_threads<A: GlobalAlloc + Sync>(allocator: &A) -> f64 {
    on_two_threads(|seed| churn(allocator, 200_000, 1_000, (16, 512), seed))
}

fn mixed_churn_threads<A: GlobalAlloc + Sync>(allocator: &A) -> f64 {
    on_two_threads(|seed| churn(allocator, 100_000, 1_000, (16, 32 << 10), seed))
}

/// One thread allocates, the other frees, in batches through a channel.
fn producer_consumer<A: GlobalAlloc + Sync>(allocator: &A) -> f64 {
    const BATCHES: usize = 1_000;
    const BATCH: usize = 200;
    let (sender, receiver) = sync_channel::<Vec<Block>>(16);
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for batch in receiver {
                batch.into_iter().for_each(|block| block.free(allocator));
            }
        });
        let mut random = Random(SEED);
        for _ in 0..BATCHES {
            let batch = (0..BATCH).map(|_| Block::new(allocator, random.size(16, 512)));
            sender
                .send(batch.collect())
                .expect("the consumer takes every batch");
        }
        drop(sender);
    });
    nanoseconds_each(start, BATCHES * BATCH)
}
