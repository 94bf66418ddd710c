//! Line codes by stores belong to the word level: here nothing is checked beside the pages.

#[inline(always)]
pub(crate) const fn check_range<T>(_context: &mut T, _address: usize, _length: usize) {}

#[inline(always)]
pub(crate) const fn begin_hook<T>(_context: &mut T) {}

#[inline(always)]
pub(crate) const fn end_hook<T>(_context: &mut T) {}

/// Every allocation is as the program asks for it.
pub(crate) mod heap {
    pub(crate) struct Scope;

    pub(crate) const fn ordinary() -> Scope {
        Scope
    }
}
