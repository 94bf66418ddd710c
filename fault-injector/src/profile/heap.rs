//! The memory in which the model `heap` strikes.
//!
//! Without line codes it is all of the C library's `[heap]`, in use or not. With line codes it is the memory
//! that they cover, where the program keeps what it protects: the two are different places.

use super::Piece;
use crate::failure::{Failure, Result};
use crate::tracer::maps::{self, Mapping};
use crate::walk::Walk;

const PAGE_BYTES: u64 = 4096;

/// `lines` is where the runtime says which memory line codes cover, if it has any.
pub(super) fn of(walk: &Walk, lines: Option<u64>, maps: &[Mapping]) -> Result<Piece> {
    match lines {
        None => Ok(of_c_library(maps)),
        Some(lines) => protected(walk, walk.base() + lines, maps),
    }
}

fn of_c_library(maps: &[Mapping]) -> Piece {
    let heap = maps.iter().find(|mapping| mapping.name == "[heap]");
    heap.map_or(Piece::default(), |heap| Piece {
        address: heap.start,
        length: heap.end - heap.start,
    })
}

/// As far as it is in use: behind its last page that is not zero nothing rests.
fn protected(walk: &Walk, words: u64, maps: &[Mapping]) -> Result<Piece> {
    let start = walk.tracee().read_word(words)?;
    let length = walk.tracee().read_word(words + 8)?;
    let arena = covered(start, length, maps)?;
    let mut page = [0; PAGE_BYTES as usize];
    let is_used = |address: &u64| {
        walk.tracee().read(*address, &mut page).is_ok() && page.iter().any(|&byte| byte != 0)
    };
    let pages = (0..arena.length / PAGE_BYTES).rev();
    match pages.map(|page| start + page * PAGE_BYTES).find(is_used) {
        Some(last) => Ok(Piece {
            address: start,
            length: last + PAGE_BYTES - start,
        }),
        None => Err(unprotected("a covered heap in which every byte is 0")),
    }
}

/// What of the covered memory is mapped.
fn covered(start: u64, length: u64, maps: &[Mapping]) -> Result<Piece> {
    if length == 0 {
        return Err(unprotected("line codes that were not started"));
    }
    let mapping = maps::holding(maps, start).ok_or_else(|| {
        unprotected(&format!(
            "covered memory at {start:#x}, where none is mapped"
        ))
    })?;
    Ok(Piece {
        address: start,
        length: length.min(mapping.end - start),
    })
}

/// Never a reason to strike elsewhere: that would be another experiment under the same name.
fn unprotected(found: &str) -> Failure {
    Failure::new(
        "a target with line codes to keep state in protected memory",
        found,
        "allocate the target's state in `Target::new`, which is called within \
         `asc_runtime::protected`, or strike a build without line codes",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(name: &str, start: u64, end: u64) -> Mapping {
        Mapping {
            start,
            end,
            writable: true,
            executable: false,
            offset: 0,
            name: name.to_owned(),
        }
    }

    #[test]
    fn line_codes_that_cover_nothing_are_no_reason_to_strike_elsewhere() {
        let maps = [
            mapping("[heap]", 0x1000, 0x9000),
            mapping("", 0x10_0000, 0x20_0000),
        ];
        let found = |start, length| covered(start, length, &maps).unwrap_err().to_string();
        assert!(found(0, 0).contains("not started"));
        assert!(found(0x5_0000, 0x1000).contains("none is mapped"));
        let arena = covered(0x10_0000, 1 << 30, &maps).unwrap();
        assert_eq!((arena.address, arena.length), (0x10_0000, 0x10_0000));
    }

    #[test]
    fn without_line_codes_it_is_the_whole_heap_of_the_c_library() {
        let heap = of_c_library(&[mapping("[heap]", 0x1000, 0x9000)]);
        assert_eq!((heap.address, heap.length), (0x1000, 0x8000));
    }
}
