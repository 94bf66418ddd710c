//! A vector in pages.
//!
//! `Vec` doubles by copying everything it holds. Inside a handler that copy would be made twice
//! and logged; here growth allocates one page and moves nothing.

use std::ops::{Index, IndexMut};

/// A vector that grows by pages of `1 << PAGE_BITS` elements and never moves one.
#[derive(Debug)]
pub(crate) struct Paged<T, const PAGE_BITS: u32> {
    pages: Vec<Vec<T>>,
    length: usize,
}

impl<T, const PAGE_BITS: u32> Paged<T, PAGE_BITS> {
    const PAGE_LENGTH: usize = 1 << PAGE_BITS;

    pub(crate) fn new() -> Self {
        Self {
            pages: Vec::new(),
            length: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn push(&mut self, value: T) {
        if self.length & (Self::PAGE_LENGTH - 1) == 0 {
            self.pages.push(Vec::with_capacity(Self::PAGE_LENGTH));
        }
        let page = self.length >> PAGE_BITS;
        self.pages[page].push(value);
        self.length += 1;
    }
}

impl<T, const PAGE_BITS: u32> Index<usize> for Paged<T, PAGE_BITS> {
    type Output = T;

    #[inline]
    fn index(&self, index: usize) -> &T {
        &self.pages[index >> PAGE_BITS][index & (Self::PAGE_LENGTH - 1)]
    }
}

impl<T, const PAGE_BITS: u32> IndexMut<usize> for Paged<T, PAGE_BITS> {
    #[inline]
    fn index_mut(&mut self, index: usize) -> &mut T {
        &mut self.pages[index >> PAGE_BITS][index & (Self::PAGE_LENGTH - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_keep_their_place_across_pages() {
        let mut paged: Paged<usize, 2> = Paged::new();
        for value in 0..11 {
            paged.push(value * 10);
        }
        paged[9] = 7;
        assert_eq!(paged.len(), 11);
        assert_eq!((paged[0], paged[4], paged[9], paged[10]), (0, 40, 7, 100));
    }

    #[test]
    #[should_panic(expected = "index out of bounds")]
    fn an_index_past_the_end_panics() {
        let mut paged: Paged<u8, 2> = Paged::new();
        paged.push(1);
        let _ = paged[1];
    }
}
