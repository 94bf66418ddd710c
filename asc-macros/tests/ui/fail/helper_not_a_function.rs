//! `#[asc_fn]` marks functions.

use asc_runtime::asc_fn;

#[asc_fn]
struct Stock {
    items: u32,
}

#[asc_fn]
impl Stock {
    fn take(&mut self) {
        self.items -= 1;
    }
}

fn main() {}
