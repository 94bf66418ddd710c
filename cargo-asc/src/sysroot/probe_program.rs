//! The probe: does the instrumented standard library work here?
//!
//! Allocation, threads, atomics, formatting and the standard collections, in
//! one small program. It prints one line and ends with status 0.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn main() {
    let mut squares = HashMap::new();
    for number in 0..100_usize {
        squares.insert(number, number * number);
    }
    let sum = Arc::new(AtomicUsize::new(squares.values().sum()));
    let shared = Arc::clone(&sum);
    std::thread::spawn(move || shared.fetch_add(1, Ordering::SeqCst)).join().unwrap();
    println!("sum {}", sum.load(Ordering::SeqCst));
}
