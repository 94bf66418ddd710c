//! A program whose global allocator is out of the runtime's reach: refused at its first handler.

use asc_hardened_tests::bump::Bump;
use asc_runtime::asc_handler;

#[global_allocator]
static ALLOCATOR: Bump = Bump::new();

#[asc_handler]
fn handler(words: &mut Vec<String>) {
    words.push(format!("{} words", words.len()));
}

fn main() {
    let mut words = Vec::new();
    println!("before");
    for _ in 0..100 {
        handler(&mut words);
    }
    assert_eq!(words[99], "99 words");
    println!("after");
}
