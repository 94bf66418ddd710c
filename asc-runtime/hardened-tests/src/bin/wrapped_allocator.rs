//! The program of `own_allocator` with its allocator wrapped in `Asc`: works.

use asc_hardened_tests::allocating;
use asc_hardened_tests::bump::Bump;
use asc_runtime::Asc;

#[global_allocator]
static ALLOCATOR: Asc<Bump> = Asc::new(Bump::new());

fn main() {
    allocating::run();
}
