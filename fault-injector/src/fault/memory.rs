//! Values in memory: on their way in, on their way out, and at rest.

use iced_x86::UsedMemory;
use rand::RngExt as _;

use super::{Strike, Struck};
use crate::code::operands::{address, memory_text};
use crate::failure::Result;
use crate::profile::Piece;
use crate::tracer::{Tracee, maps};
use crate::walk::step;

/// Bytes above the stack pointer that count as the live stack.
const STACK_BYTES: u64 = 1024;

impl Strike<'_> {
    /// The value is wrong for one read: it is put back behind the instruction, unless the instruction
    /// has written there itself.
    pub(super) fn memory_read(&mut self, copy: &mut Tracee) -> Result<Struck> {
        let facts = &self.site.facts;
        let Some(memory) = self.choose(&facts.memory_reads) else {
            return Ok(Struck::nothing());
        };
        let Some(lane) = self.lane(&memory) else {
            return Ok(Struck::nothing());
        };
        let mut original = vec![0; lane.length as usize];
        if copy.read(lane.address, &mut original).is_err() {
            return Ok(Struck::nothing());
        }
        let mask = self.flip(copy, lane)?;
        let overwritten = facts.memory_writes.iter().any(|written| {
            let length = written.memory_size().size() as u64;
            address(&self.registers, written).is_some_and(|start| {
                start < lane.address + lane.length && lane.address < start + length
            })
        });
        step(copy, facts)?;
        if !overwritten && !copy.has_ended() {
            flip_back(copy, lane.address, &original, mask)?;
        }
        Ok(self.struck(&memory, lane, mask))
    }

    pub(super) fn memory_write(&mut self, copy: &mut Tracee) -> Result<Struck> {
        let Some(memory) = self.choose(&self.site.facts.memory_writes) else {
            return Ok(Struck::nothing());
        };
        let lane = self.lane(&memory);
        step(copy, &self.site.facts)?;
        let Some(lane) = lane.filter(|_| !copy.has_ended()) else {
            return Ok(Struck::nothing());
        };
        let mask = self.flip(copy, lane)?;
        Ok(self.struck(&memory, lane, mask))
    }

    /// One byte at rest.
    pub(super) fn byte_of(
        &mut self,
        copy: &mut Tracee,
        piece: Piece,
        what: &str,
    ) -> Result<Struck> {
        let offset = self.random.random_range(0..piece.length.max(1));
        let byte = Piece {
            address: piece.address + offset,
            length: 1,
        };
        let mask = self.flip(copy, byte)?;
        Ok(Struck {
            place: format!("{what}+{offset:#x}"),
            mask,
        })
    }

    pub(super) fn stack(&mut self, copy: &mut Tracee) -> Result<Struck> {
        let pointer = self.registers.rsp;
        let maps = maps::of(copy.pid())?;
        let Some(mapping) = maps::holding(&maps, pointer) else {
            return Ok(Struck::nothing());
        };
        let live = Piece {
            address: pointer,
            length: STACK_BYTES.min(mapping.end - pointer),
        };
        self.byte_of(copy, live, "rsp")
    }

    pub(super) fn runtime_word(&mut self, copy: &mut Tracee) -> Result<Struck> {
        let Some(address) = self.choose(&self.walk.runtime_words) else {
            return Ok(Struck::nothing());
        };
        let mask = self.flip(copy, Piece { address, length: 8 })?;
        Ok(Struck {
            place: format!("runtime word {address:#x}"),
            mask,
        })
    }

    /// At most eight bytes of a memory operand.
    fn lane(&mut self, memory: &UsedMemory) -> Option<Piece> {
        let start = address(&self.registers, memory)?;
        let size = memory.memory_size().size() as u64;
        let lanes = size.div_ceil(8);
        let lane = self.random.random_range(0..lanes);
        Some(Piece {
            address: start + lane * 8,
            length: (size - lane * 8).min(8),
        })
    }

    fn flip(&mut self, copy: &Tracee, piece: Piece) -> Result<u64> {
        let mask = self.mask.draw(piece.length as u32 * 8, &mut self.random);
        let mut bytes = vec![0; piece.length as usize];
        copy.read(piece.address, &mut bytes)?;
        for (byte, flip) in bytes.iter_mut().zip(mask.to_le_bytes()) {
            *byte ^= flip;
        }
        copy.write(piece.address, &bytes)?;
        Ok(mask)
    }

    fn struck(&self, memory: &UsedMemory, lane: Piece, mask: u64) -> Struck {
        let start = address(&self.registers, memory).unwrap_or(lane.address);
        let text = memory_text(memory);
        let place = match lane.address - start {
            0 => text,
            offset => format!("{text}+{offset}"),
        };
        Struck { place, mask }
    }
}

/// Flips the bits of `mask` back where they are still as the strike has left them: in a running server another
/// thread may have stored something else meanwhile.
fn flip_back(copy: &Tracee, address: u64, original: &[u8], mask: u64) -> Result<()> {
    let mut bytes = vec![0; original.len()];
    copy.read(address, &mut bytes)?;
    heal(&mut bytes, original, mask);
    copy.write(address, &bytes)
}

fn heal(bytes: &mut [u8], original: &[u8], mask: u64) {
    for ((byte, original), mask) in bytes.iter_mut().zip(original).zip(mask.to_le_bytes()) {
        if (*byte ^ original) & mask == mask {
            *byte ^= mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_thread_has_stored_meanwhile_stays() {
        let original = [1, 2, 3];
        for (found, healed) in [
            ([1, 2 ^ 8, 3], [1, 2, 3]),
            // Beside the flipped byte, in its other bits, and over it.
            ([7, 2 ^ 8, 9], [7, 2, 9]),
            ([1, 0xF2 ^ 8, 3], [1, 0xF2, 3]),
            ([1, 4, 3], [1, 4, 3]),
        ] {
            let mut bytes = found;
            heal(&mut bytes, &original, 8 << 8);
            assert_eq!(bytes, healed, "{found:?}");
        }
    }
}
