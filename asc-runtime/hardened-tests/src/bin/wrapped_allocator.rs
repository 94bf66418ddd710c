//! The same program with its allocator wrapped in `Asc`: works.

use asc_hardened_tests::bump::Bump;
#[cfg(asc)]
use asc_runtime::Asc;
use asc_runtime::asc_handler;

#[cfg(asc)]
#[global_allocator]
static ALLOCATOR: Asc<Bump> = Asc::new(Bump::new());
#[cfg(not(asc))]
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
