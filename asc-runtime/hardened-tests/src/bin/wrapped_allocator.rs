//! The program of `own_allocator` with its allocator wrapped in `Asc`: works.

use asc_hardened_tests::allocating;
use asc_hardened_tests::bump::Bump;
#[cfg(asc)]
use asc_runtime::Asc;

#[cfg(asc)]
#[global_allocator]
static ALLOCATOR: Asc<Bump> = Asc::new(Bump::new());
#[cfg(not(asc))]
#[global_allocator]
static ALLOCATOR: Bump = Bump::new();

fn main() {
    allocating::run();
}
