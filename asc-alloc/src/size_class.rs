//! The sizes that small blocks come in.
//!
//! Steps of 16 bytes up to 128, then four steps per doubling up to 32 KiB, so that a block is at most
//! a fifth larger than what was asked. A class follows from the [`Layout`] alone, and so does whether
//! a block is small: freeing needs no look-up.

use core::alloc::Layout;

/// Largest small block.
pub(crate) const SMALL_BYTES_MAX: usize = 32 * 1024;
/// Number of classes.
pub(crate) const CLASSES: usize = 40;
/// What every block is aligned to at least, and the step of the smallest classes.
const GRANULE_BYTES: usize = 16;
/// Up to here a class is looked up.
const TABLE_BYTES_MAX: usize = 1024;
/// Objects start at multiples of their size in a slab that is aligned to a chunk; beyond a page's
/// alignment blocks are large.
const SMALL_ALIGNMENT_MAX: usize = 4096;
/// The reciprocals' binary point. With offsets below 2^18 and sizes up to 2^15 the error of a
/// quotient stays below 2^-7, less than the distance of any quotient to the next integer above.
const RECIPROCAL_SHIFT: u32 = 40;

const SIZES: [u32; CLASSES] = sizes();
const RECIPROCALS: [u64; CLASSES] = reciprocals();
const TABLE: [u8; TABLE_BYTES_MAX / GRANULE_BYTES + 1] = table();

const _: () = assert!(SIZES[CLASSES - 1] as usize == SMALL_BYTES_MAX);

/// One of the sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SizeClass(u8);

impl SizeClass {
    /// The class for a layout; `None` for a large block.
    #[inline(always)]
    pub(crate) fn of(layout: Layout) -> Option<Self> {
        if layout.align() > GRANULE_BYTES {
            return Self::of_aligned(layout);
        }
        if layout.size() <= TABLE_BYTES_MAX {
            return Some(Self(TABLE[layout.size().div_ceil(GRANULE_BYTES)]));
        }
        if layout.size() <= SMALL_BYTES_MAX {
            return Some(Self(by_logarithm(layout.size())));
        }
        None
    }

    pub(crate) const fn from_index(index: usize) -> Option<Self> {
        if index < CLASSES {
            Some(Self(index as u8))
        } else {
            None
        }
    }

    #[inline(always)]
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }

    #[inline(always)]
    pub(crate) const fn bytes(self) -> usize {
        SIZES[self.index()] as usize
    }

    /// `offset / self.bytes()` for an offset into a slab.
    #[inline(always)]
    pub(crate) const fn quotient(self, offset: usize) -> usize {
        ((offset as u64 * RECIPROCALS[self.index()]) >> RECIPROCAL_SHIFT) as usize
    }

    /// The smallest class that holds the layout and whose size is a multiple of its alignment. The
    /// power of two at the end of each doubling is one, so the search takes four steps at most
    /// above 128 bytes and eight below.
    #[cold]
    fn of_aligned(layout: Layout) -> Option<Self> {
        let bytes = layout.size().max(layout.align());
        if layout.align() > SMALL_ALIGNMENT_MAX || bytes > SMALL_BYTES_MAX {
            return None;
        }
        let first = if bytes <= TABLE_BYTES_MAX {
            TABLE[bytes.div_ceil(GRANULE_BYTES)]
        } else {
            by_logarithm(bytes)
        };
        (first as usize..CLASSES)
            .filter_map(Self::from_index)
            .find(|class| class.bytes().is_multiple_of(layout.align()))
    }
}

/// The class of a size above 128 bytes.
#[inline(always)]
const fn by_logarithm(bytes: usize) -> u8 {
    let last = bytes - 1;
    let doubling = last.ilog2();
    let step = (last >> (doubling - 2)) & 3;
    (8 + (doubling as usize - 7) * 4 + step) as u8
}

const fn sizes() -> [u32; CLASSES] {
    let mut sizes = [0; CLASSES];
    let mut index = 0;
    while index < CLASSES {
        sizes[index] = if index < 8 {
            (index as u32 + 1) * 16
        } else {
            let doubling = 7 + (index as u32 - 8) / 4;
            let step = (index as u32 - 8) % 4 + 1;
            (1 << doubling) + step * (1 << (doubling - 2))
        };
        index += 1;
    }
    sizes
}

const fn reciprocals() -> [u64; CLASSES] {
    let mut reciprocals = [0; CLASSES];
    let mut index = 0;
    while index < CLASSES {
        reciprocals[index] = (1u64 << RECIPROCAL_SHIFT).div_ceil(SIZES[index] as u64);
        index += 1;
    }
    reciprocals
}

const fn table() -> [u8; TABLE_BYTES_MAX / GRANULE_BYTES + 1] {
    let mut table = [0; TABLE_BYTES_MAX / GRANULE_BYTES + 1];
    let mut index = 0;
    while index < table.len() {
        let mut class = 0;
        while (SIZES[class] as usize) < index * GRANULE_BYTES {
            class += 1;
        }
        table[index] = class as u8;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_gets_the_smallest_class_that_holds_it() {
        for bytes in 1..=SMALL_BYTES_MAX {
            let layout = Layout::from_size_align(bytes, 8).unwrap();
            let class = SizeClass::of(layout).unwrap();
            assert!(class.bytes() >= bytes, "{bytes} in {class:?}");
            let smaller = class.index().checked_sub(1).and_then(SizeClass::from_index);
            assert!(
                smaller.is_none_or(|smaller| smaller.bytes() < bytes),
                "{bytes}"
            );
        }
        let large = Layout::from_size_align(SMALL_BYTES_MAX + 1, 1).unwrap();
        assert_eq!(SizeClass::of(large), None);
    }

    #[test]
    fn an_aligned_layout_gets_a_multiple_of_its_alignment() {
        for shift in 0..=12 {
            let align = 1 << shift;
            for bytes in (1..=SMALL_BYTES_MAX).step_by(7) {
                let class = SizeClass::of(Layout::from_size_align(bytes, align).unwrap()).unwrap();
                assert!(class.bytes() >= bytes);
                assert_eq!(class.bytes() % align, 0, "{bytes} aligned to {align}");
            }
        }
        let beyond = Layout::from_size_align(16, 8192).unwrap();
        assert_eq!(SizeClass::of(beyond), None);
    }

    #[test]
    fn quotients_are_exact_at_every_offset_of_a_slab() {
        for class in (0..CLASSES).filter_map(SizeClass::from_index) {
            for offset in 0..4 * 65536 {
                assert_eq!(class.quotient(offset), offset / class.bytes(), "{class:?}");
            }
        }
    }
}
