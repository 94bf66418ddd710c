//! Size classes: how memcached groups items by size in its statistics.
//!
//! In memcached a class is a pool of equal chunks, and an item can only live in a chunk of its
//! class. Here items are blocks of exactly their size, so a class is bookkeeping: operators and
//! tools find the numbers that they know. The sizes are memcached's: they start at `-n` bytes and
//! grow by the factor `-f`.

/// Class numbers are below this, as in memcached. Class 0 is unused.
pub(crate) const CLASSES_MAX: usize = 64;
/// The part of an item's header that is in the smallest class.
const HEADER_BYTES: u32 = 48;
/// Chunk sizes are multiples of this.
const ALIGN_BYTES: u32 = 8;
/// The unit in which memcached gives memory to a class.
const PAGE_BYTES: u32 = 1 << 20;

/// How the classes are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassSizes {
    /// `-n`: room for key, value and flags in the smallest class.
    pub smallest_bytes: u32,
    /// `-f`: how much larger each class is than the one before.
    pub factor: f64,
    /// `-o slab_chunk_max`: the largest class; larger items count to it.
    pub largest_bytes: u32,
}

impl Default for ClassSizes {
    fn default() -> Self {
        Self {
            smallest_bytes: 48,
            factor: 1.25,
            largest_bytes: PAGE_BYTES / 2,
        }
    }
}

/// The sizes of all classes.
#[derive(Debug, Clone)]
pub(crate) struct Classes {
    /// Chunk size of each class; 0 for class 0.
    sizes: Box<[u32]>,
}

impl Classes {
    /// Classes of sizes that grow by a factor.
    pub(crate) fn new(chosen: ClassSizes) -> Self {
        let mut sizes = vec![0];
        let mut size = HEADER_BYTES + chosen.smallest_bytes;
        while sizes.len() < CLASSES_MAX - 2
            && f64::from(size) < f64::from(chosen.largest_bytes) / chosen.factor
        {
            size = size.next_multiple_of(ALIGN_BYTES);
            sizes.push(size);
            size = (f64::from(size) * chosen.factor) as u32;
        }
        sizes.push(chosen.largest_bytes);
        Self {
            sizes: sizes.into(),
        }
    }

    /// The class of an item of this size.
    #[inline]
    pub(crate) fn class_of(&self, bytes: usize) -> u8 {
        let class = self.sizes.partition_point(|&size| (size as usize) < bytes);
        class.min(self.sizes.len() - 1) as u8
    }

    pub(crate) fn chunk_bytes(&self, class: usize) -> u32 {
        self.sizes[class]
    }

    pub(crate) fn chunks_per_page(&self, class: usize) -> u32 {
        PAGE_BYTES / self.sizes[class]
    }

    /// The class numbers, from 1.
    pub(crate) fn numbers(&self) -> std::ops::Range<usize> {
        1..self.sizes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Read off `memcached -vv`.
    #[test]
    fn the_default_classes_are_memcacheds() {
        let classes = Classes::new(ClassSizes::default());
        assert_eq!(classes.sizes[..6], [0, 96, 120, 152, 192, 240]);
        assert_eq!(classes.numbers(), 1..40);
        assert_eq!(classes.chunk_bytes(38), 394_840);
        assert_eq!(classes.chunk_bytes(39), 524_288);
        assert_eq!(classes.chunks_per_page(1), 10_922);
        assert_eq!(classes.class_of(66_560 + 67), 31);
    }

    #[test]
    fn an_item_is_in_the_smallest_class_that_holds_it() {
        let classes = Classes::new(ClassSizes::default());
        assert_eq!(classes.class_of(1), 1);
        assert_eq!(classes.class_of(96), 1);
        assert_eq!(classes.class_of(97), 2);
        assert_eq!(classes.class_of(10 << 20), 39);
    }
}
