//! Blocks that change threads.

#[path = "support/random.rs"]
mod random;

use std::sync::mpsc::{Receiver, Sender, channel};

use asc_alloc::{AscAlloc, ProtectedScope};
use random::Random;

#[global_allocator]
static _ALLOC: AscAlloc = AscAlloc::new();

const SEED: u64 = 0x5eed_7472;

/// A block whose contents say who filled it.
struct Parcel {
    stamp: u64,
    contents: Vec<u64>,
}

impl Parcel {
    fn new(stamp: u64, words: usize) -> Self {
        Self {
            stamp,
            contents: vec![stamp; words],
        }
    }

    fn check(&self) {
        assert!(self.contents.iter().all(|&word| word == self.stamp));
    }
}

/// Threads keep, drop, and send each other blocks of all sizes, in both arenas; every block is whole
/// when it is dropped, wherever that is.
#[test]
fn blocks_stay_whole_when_other_threads_free_them() {
    const THREADS: usize = 6;
    println!("seed {SEED:#x}");
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| channel()).unzip();
    std::thread::scope(|scope| {
        for (index, receiver) in receivers.into_iter().enumerate() {
            let senders = senders.clone();
            scope.spawn(move || exchange(index as u64, &senders, &receiver));
        }
        drop(senders);
    });
}

fn exchange(index: u64, senders: &[Sender<Parcel>], receiver: &Receiver<Parcel>) {
    const OPERATIONS: u64 = 20_000;
    const KEPT_MAX: usize = 200;
    let mut random = Random(SEED + index);
    let mut kept: Vec<Parcel> = Vec::new();
    for operation in 0..OPERATIONS {
        let scope = (random.below(4) == 0).then(ProtectedScope::enter);
        let words = 1 << random.below(14);
        let parcel = Parcel::new(index << 32 | operation, words + random.below(words));
        drop(scope);
        match random.below(3) {
            0 => kept.push(parcel),
            // The receiver may have ended; then the parcel comes back and is dropped here.
            1 => drop(senders[random.below(senders.len())].send(parcel)),
            _ => parcel.check(),
        }
        receiver.try_iter().for_each(|parcel| parcel.check());
        if kept.len() > KEPT_MAX {
            kept.swap_remove(random.below(KEPT_MAX)).check();
        }
    }
    kept.iter().for_each(Parcel::check);
}
