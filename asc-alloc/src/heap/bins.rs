//! Free runs by length: doubly linked lists through the chunk records.
//!
//! Runs of up to 32 chunks (2 MiB) have a list for each length, longer ones four for each doubling.

use super::chunk::{NONE, chunk};

const LISTS: usize = 128;
const EXACT: u32 = 32;
/// Runs looked at in a list of mixed lengths before a longer list is taken.
const LOOKED_AT_MAX: usize = 32;

/// The lists, and which of them have members.
#[derive(Debug)]
pub(crate) struct Bins {
    occupied: u128,
    heads: [u32; LISTS],
}

impl Bins {
    pub(crate) const fn new() -> Self {
        Self {
            occupied: 0,
            heads: [NONE; LISTS],
        }
    }

    /// The first chunk of a run of at least `length`, which stays in its list.
    pub(crate) fn find(&self, length: u32) -> Option<u32> {
        let list = list_of(length);
        if list >= LISTS {
            return None;
        }
        if length > EXACT
            && let Some(head) = self.find_in(list, length)
        {
            return Some(head);
        }
        let first = if length > EXACT { list + 1 } else { list };
        let longer = self.occupied.checked_shr(first as u32)?;
        if longer == 0 {
            return None;
        }
        Some(self.heads[first + longer.trailing_zeros() as usize])
    }

    /// Any run.
    pub(crate) fn any(&self) -> Option<u32> {
        if self.occupied == 0 {
            return None;
        }
        Some(self.heads[self.occupied.trailing_zeros() as usize])
    }

    pub(crate) fn insert(&mut self, head: u32, length: u32) {
        let list = list_of(length);
        let next = self.heads[list];
        chunk(head).set_previous(NONE);
        chunk(head).set_next(next);
        if next != NONE {
            chunk(next).set_previous(head);
        }
        self.heads[list] = head;
        self.occupied |= 1 << list;
    }

    pub(crate) fn remove(&mut self, head: u32, length: u32) {
        let list = list_of(length);
        let (previous, next) = (chunk(head).previous(), chunk(head).next());
        if next != NONE {
            chunk(next).set_previous(previous);
        }
        if previous == NONE {
            self.heads[list] = next;
        } else {
            chunk(previous).set_next(next);
        }
        if self.heads[list] == NONE {
            self.occupied &= !(1 << list);
        }
    }

    /// The shortest run of at least `length` among the first of a list.
    fn find_in(&self, list: usize, length: u32) -> Option<u32> {
        let mut head = self.heads[list];
        let mut best = None;
        for _ in 0..LOOKED_AT_MAX {
            if head == NONE {
                break;
            }
            let found = chunk(head).length();
            if found >= length && best.is_none_or(|(shortest, _)| found < shortest) {
                best = Some((found, head));
            }
            head = chunk(head).next();
        }
        best.map(|(_, head)| head)
    }
}

/// The list for runs of a length.
fn list_of(length: u32) -> usize {
    if length <= EXACT {
        return length as usize - 1;
    }
    let doubling = length.ilog2();
    let step = (length >> (doubling - 2)) & 3;
    (EXACT + (doubling - 5) * 4 + step) as usize
}

// An arena has fewer than 2^29 chunks.
const _: () = assert!((EXACT + (28 - 5) * 4 + 3) as usize == LISTS - 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_run_is_never_in_an_earlier_list() {
        let mut last = 0;
        for length in 1..100_000 {
            let list = list_of(length);
            assert!(list == last || list == last + 1 || length == 33, "{length}");
            assert!(list >= last && list < LISTS);
            last = list;
        }
    }
}
