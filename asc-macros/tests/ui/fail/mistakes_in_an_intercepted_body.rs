//! Mistakes are reported where they are, also in a body that was rewritten.

use asc_runtime::{asc_fn, asc_handler};

struct Stock {
    items: [u32; 4],
    name: &'static str,
}

#[asc_handler(intercept = source)]
fn take(stock: &mut Stock, position: usize) {
    stock.items[position] = "none";
    stock.item += 1;
    unknown(stock);
}

#[asc_fn]
fn rename(stock: &Stock, name: &'static str) {
    stock.name = name;
}

fn main() {}
