use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

fn main() {
    let before = hooks::counts();
    let mut text = black_box(String::from("own hooks"));
    text.push_str(" called");
    let mut slot = Box::new(1_u64);
    *black_box(&mut *slot) = 2;
    black_box(&AtomicU64::new(3)).fetch_add(1, Ordering::SeqCst);
    let after = hooks::counts();
    assert!(after.iter().zip(before).all(|(after, before)| *after > before), "{before:?} {after:?}");
    println!("{text}");
}
