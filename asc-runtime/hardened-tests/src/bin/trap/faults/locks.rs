//! Locks that only one of the runs asks for.

use asc_hardened_tests::unseen::{armed, in_second_run, second_run};
use asc_runtime::asc_handler;
use asc_runtime::sync::Mutex;

use super::Fault;

pub(super) const FAULTS: &[Fault] = &[
    ("other_lock", other_lock),
    ("missing_lock", missing_lock),
    ("extra_lock", extra_lock),
    ("locked_state", locked_state),
];

static LOCKS: [Mutex<u64>; 2] = [Mutex::new(0), Mutex::new(0)];

fn other_lock() {
    #[asc_handler]
    fn handler() {
        let index = in_second_run(second_run(), 0, 1) as usize;
        *LOCKS[index].lock().expect("never poisoned") += 1;
    }
    handler();
}

fn missing_lock() {
    #[asc_handler]
    fn handler() {
        if !second_run() {
            drop(LOCKS[0].lock());
        }
    }
    handler();
}

fn extra_lock() {
    #[asc_handler]
    fn handler() {
        if second_run() {
            drop(LOCKS[0].lock());
        }
    }
    handler();
}

/// Another thread waits for the lock while the fault happens: it never gets it.
fn locked_state() {
    #[asc_handler]
    fn handler() {
        let second = second_run();
        *LOCKS[1].lock().expect("never poisoned") = in_second_run(second, 7, 7 | 1 << 40);
    }
    let outside = LOCKS[1].lock().expect("never poisoned");
    std::thread::scope(|scope| {
        scope.spawn(handler);
        scope.spawn(|| {
            let seen = *LOCKS[1].lock().expect("never poisoned");
            if armed() && seen > 7 {
                println!("wrong state was seen");
            }
        });
        drop(outside);
    });
}
