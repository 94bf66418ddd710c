//! Threads that end. The only test of its program, because it counts memory.

use std::cell::RefCell;
use std::sync::Barrier;

use asc_alloc::{AscAlloc, ProtectedScope, statistics};

#[global_allocator]
static _ALLOC: AscAlloc = AscAlloc::new();

const THREADS: usize = 64;

/// A thread that ends returns its cache, also what its destructors free and allocate.
#[test]
fn ended_threads_leave_nothing_behind() {
    thread_local! {
        static LATE: RefCell<Late> = const { RefCell::new(Late(Vec::new())) };
    }
    struct Late(Vec<Vec<u8>>);
    impl Drop for Late {
        fn drop(&mut self) {
            self.0.clear();
            self.0.push(vec![1; 300]);
        }
    }
    let run = |times: usize| {
        for _ in 0..times {
            let thread = std::thread::spawn(|| {
                LATE.with_borrow_mut(|late| late.0.extend((1..400).map(|n| vec![1; n * 16])));
                let _scope = ProtectedScope::enter();
                (1..400).map(|n| vec![2u8; n * 16]).collect::<Vec<_>>()
            });
            drop(thread.join().unwrap());
        }
    };
    run(20);
    let before = statistics();
    run(300);
    let after = statistics();
    // Each thread holds 1.3 MB at its peak; a leak of a hundredth of that would show.
    let slack = 8 << 20;
    assert!(
        after.ordinary.used_bytes <= before.ordinary.used_bytes + slack,
        "{after:?}"
    );
    assert!(
        after.protected.used_bytes <= before.protected.used_bytes + slack,
        "{after:?}"
    );

    // Threads that end together leave many caches, all of them empty.
    let together = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    together.wait();
                    drop((1..400).map(|n| vec![1u8; n * 16]).collect::<Vec<_>>());
                    together.wait();
                })
            })
            .collect();
        // The end of the scope would wait for the closures only, not for the threads' ends.
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
    let ended = statistics().ordinary.used_bytes;
    assert!(ended <= after.ordinary.used_bytes + slack, "{ended}");
}
