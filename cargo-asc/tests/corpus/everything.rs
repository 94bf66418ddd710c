//! A program that uses every hook and many wrapped functions, and checks itself.

use std::arch::x86_64::cmpxchg16b;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::sync::atomic::*;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

macro_rules! check_atomics {
    ($($atomic:ty, $integer:ty;)*) => {
        $({
            let at = <$atomic>::new(5);
            assert_eq!(at.swap(12, Ordering::AcqRel), 5);
            assert_eq!(at.fetch_add(3, Ordering::Relaxed), 12);
            assert_eq!(at.fetch_sub(1, Ordering::SeqCst), 15);
            assert_eq!(at.fetch_and(6, Ordering::Relaxed), 14);
            assert_eq!(at.fetch_or(9, Ordering::Relaxed), 6);
            assert_eq!(at.fetch_xor(5, Ordering::Relaxed), 15);
            assert_eq!(at.fetch_nand(2, Ordering::Relaxed), 10);
            assert_eq!(at.load(Ordering::Acquire), !(10 & 2));
            at.store(7, Ordering::Release);
            at.store(8, Ordering::SeqCst);
            assert_eq!(at.fetch_max(9, Ordering::SeqCst), 8);
            assert_eq!(at.fetch_min(3, Ordering::SeqCst), 9);
            assert_eq!(at.compare_exchange(3, 4, Ordering::SeqCst, Ordering::Relaxed), Ok(3));
            assert_eq!(at.compare_exchange(3, 5, Ordering::SeqCst, Ordering::Relaxed), Err(4));
            assert_eq!(at.into_inner(), 4 as $integer);
        })*
    };
}

fn atomics() {
    check_atomics! {
        AtomicU8, u8;
        AtomicI8, i8;
        AtomicU16, u16;
        AtomicI32, i32;
        AtomicU64, u64;
        AtomicUsize, usize;
    }
    fence(Ordering::SeqCst);
    compiler_fence(Ordering::SeqCst);
    assert!(is_x86_feature_detected!("cmpxchg16b"));
    #[repr(align(16))]
    struct Wide(u128);
    let mut wide = Wide(1 << 100);
    let mut exchange = |old, new| {
        let place = &raw mut wide.0;
        // SAFETY: the processor has the instruction, and the place is live and 16-byte aligned.
        unsafe { cmpxchg16b(place, old, new, Ordering::SeqCst, Ordering::SeqCst) }
    };
    assert_eq!(exchange(1 << 100, u128::MAX - 1), 1 << 100);
    assert_eq!(exchange(0, 3), u128::MAX - 1);
    assert_eq!(wide.0, u128::MAX - 1);
}

fn threads() {
    static TOTAL: AtomicU64 = AtomicU64::new(0);
    let shared = Arc::new(Mutex::new(HashMap::new()));
    let (sender, receiver) = mpsc::channel();
    let workers: Vec<_> = (0..4_u64)
        .map(|worker| {
            let (shared, sender) = (Arc::clone(&shared), sender.clone());
            thread::spawn(move || {
                for number in 0..1000 {
                    TOTAL.fetch_add(number, Ordering::Relaxed);
                    *shared.lock().unwrap().entry(number % 10).or_insert(0) += worker;
                }
                sender.send(worker).unwrap();
            })
        })
        .collect();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    assert_eq!(TOTAL.load(Ordering::SeqCst), 4 * 499_500);
    assert_eq!(shared.lock().unwrap()[&3], 100 * (1 + 2 + 3));
    assert_eq!(receiver.try_iter().sum::<u64>(), 6);
}

static DROPPED: AtomicUsize = AtomicUsize::new(0);

struct CountsDrops(#[allow(dead_code)] [u8; 3]);

impl Drop for CountsDrops {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::SeqCst);
    }
}

thread_local!(static LOCAL: RefCell<Vec<CountsDrops>> = const { RefCell::new(Vec::new()) });

fn thread_locals() {
    thread::spawn(|| LOCAL.with_borrow_mut(|local| local.push(CountsDrops([1; 3])))).join().unwrap();
    assert_eq!(DROPPED.load(Ordering::SeqCst), 1);
}

fn memory() {
    let mut bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    bytes.copy_within(1..50_000, 0);
    bytes.extend_from_within(..70_000);
    bytes.fill(3);
    bytes.shrink_to(10);
    assert_eq!(bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>(), 3 * 170_000);
    let mut tree: BTreeMap<[u8; 6], [u8; 3]> = BTreeMap::new();
    (0..100_u8).for_each(|key| _ = tree.insert([key; 6], [key; 3]));
    tree.retain(|key, _| key[0] % 2 == 0);
    assert_eq!(tree.len(), 50);
}

fn system() {
    let path = std::env::temp_dir().join(format!("asc-everything-{}", std::process::id()));
    std::fs::File::create(&path).unwrap().write_all(b"text").unwrap();
    let mut text = String::new();
    std::fs::File::open(&path).unwrap().read_to_string(&mut text).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(text, "text");
    let start = std::time::Instant::now();
    thread::sleep(std::time::Duration::from_millis(2));
    assert!(start.elapsed().as_millis() >= 2);
    assert!(std::process::Command::new("true").status().unwrap().success());
}

#[cfg(panic = "unwind")]
fn panics() {
    let caught = std::panic::catch_unwind(|| {
        let _guard = CountsDrops([2; 3]);
        std::panic::resume_unwind(Box::new(7_u32));
    });
    assert_eq!(*caught.unwrap_err().downcast::<u32>().unwrap(), 7);
    assert_eq!(DROPPED.load(Ordering::SeqCst), 2);
}

#[cfg(not(panic = "unwind"))]
fn panics() {}

fn main() {
    assert!(cfg!(asc));
    atomics();
    threads();
    thread_locals();
    memory();
    system();
    panics();
    println!("everything works: {}", std::env::args().nth(1).unwrap_or_default());
}
