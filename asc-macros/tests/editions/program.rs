//! Before edition 2024 the temporaries of a block's last expression outlive the block's variables
//! and the body of an `unsafe fn` may be unsafe without saying so; before 2021 a closure captures
//! whole variables.

#![deny(warnings)]

use std::cell::RefCell;

use asc_macros::asc_handler;

mod runtime {
    pub mod __private {
        pub struct Handler;

        impl Handler {
            pub const fn new(_name: &'static str, _file: &'static str, _line: u32) -> Self {
                Self
            }
        }

        pub fn require_argument<T: Clone>(_argument: &T) {}

        pub fn run<R, F: FnOnce() -> R>(_handler: &'static Handler, body: F) -> R {
            body()
        }
    }
}

#[asc_handler(crate = crate::runtime)]
fn peek(cell: RefCell<Vec<u8>>, (index, _): (RefCell<usize>, u8)) -> u8 {
    cell.borrow()[*index.borrow()]
}

#[asc_handler(crate = runtime)]
fn peek_through(cell: &RefCell<Vec<u8>>) -> u8 {
    cell.borrow()[0]
}

#[asc_handler(crate = runtime)]
unsafe fn read(pointer: *const u8) -> u8 {
    *pointer
}

#[derive(Clone)]
struct Server {
    count: RefCell<u8>,
    log: Vec<u8>,
}

impl Server {
    #[asc_handler(crate = runtime)]
    fn finish(self) -> u8 {
        *self.count.borrow()
    }

    #[asc_handler(crate = runtime)]
    fn entry(&mut self, value: u8) -> &mut u8 {
        let Self { log, count } = self;
        log.push(value + *count.borrow());
        log.last_mut().unwrap()
    }
}

fn main() {
    assert_eq!(peek(RefCell::new(vec![1, 2]), (RefCell::new(1), 0)), 2);
    assert_eq!(peek_through(&RefCell::new(vec![3])), 3);
    let mut server = Server { count: RefCell::new(4), log: Vec::new() };
    *server.entry(1) += 1;
    assert_eq!(server.log, [6]);
    assert_eq!(server.finish(), 4);
    // SAFETY: the pointer comes from a reference.
    assert_eq!(unsafe { read(&5) }, 5);
}
