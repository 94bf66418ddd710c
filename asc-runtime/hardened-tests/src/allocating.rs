//! A program whose handler allocates, the same whatever its global allocator is.
//!
//! An allocator is chosen per program, so `own_allocator` and `wrapped_allocator` are two programs;
//! all that they do is here.

use asc_runtime::asc_handler;

const HANDLERS: usize = 100;

#[asc_handler]
fn handler(words: &mut Vec<String>) {
    words.push(format!("{} words", words.len()));
}

/// Says "before", lets handlers allocate, and says "after".
pub fn run() {
    let mut words = Vec::new();
    println!("before");
    for _ in 0..HANDLERS {
        handler(&mut words);
    }
    assert_eq!(words[HANDLERS - 1], "99 words");
    println!("after");
}
