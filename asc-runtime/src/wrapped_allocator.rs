//! A program's own global allocator, wrapped: `hardened/allocation.rs` answers inside handlers, `pass_through.rs` where
//! no allocation is recorded.

/// Makes a program's own global allocator work inside handlers.
///
/// Needed only where the global allocator does not end in C's `malloc`; the runtime says so at the
/// first handler of such a program. In builds that `cargo asc` has not made, every call goes straight to the
/// wrapped allocator.
///
/// ```
/// use std::alloc::System;
/// use asc_runtime::Asc;
///
/// #[global_allocator]
/// static ALLOCATOR: Asc<System> = Asc::new(System);
/// # fn main() {}
/// ```
#[derive(Debug, Default)]
pub struct Asc<A>(pub(crate) A);

impl<A> Asc<A> {
    /// Wraps `allocator`.
    pub const fn new(allocator: A) -> Self {
        Self(allocator)
    }
}
