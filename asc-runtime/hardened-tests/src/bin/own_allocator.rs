//! A program whose global allocator is out of the runtime's reach: refused at its first handler.

use asc_hardened_tests::allocating;
use asc_hardened_tests::bump::Bump;

#[global_allocator]
static ALLOCATOR: Bump = Bump::new();

fn main() {
    asc_hardened_tests::page_mode::start_if_asked();
    allocating::run();
}
