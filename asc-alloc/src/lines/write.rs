//! Writes to protected memory at once, with their codes.
//!
//! 1. The lines of the range are examined: a bit that rotted there would turn up as a flip of what is
//!    written now, and correcting it would spoil that.
//! 2. Line by line the range's part of the remainder is taken, the bytes are written, and the code
//!    changes by the difference.

use core::sync::atomic::Ordering::Relaxed;

use super::Lines;

impl Lines {
    /// Writes to `length` bytes of protected memory: `write(offset, length)` is called for each piece of
    /// the range, one per line, first to last or with `backward` last to first.
    ///
    /// The codes follow what the pieces hold afterwards, so `write` need not change them all. It must
    /// change nothing else that is protected.
    pub fn write(
        &self,
        address: usize,
        length: usize,
        backward: bool,
        mut write: impl FnMut(usize, usize),
    ) {
        self.examine(address, length);
        let _change = self.change_in_progress();
        let mut done = 0;
        while done < length {
            let piece = if backward {
                let end = address + length - done;
                let start = ((end - 1) & !(self.line_bytes() - 1)).max(address);
                (start - address, end - start)
            } else {
                let start = address + done;
                let end = (start & !(self.line_bytes() - 1)) + self.line_bytes();
                (done, end.min(address + length) - start)
            };
            self.write_piece(address + piece.0, piece.1, || write(piece.0, piece.1));
            done += piece.1;
        }
    }

    /// Zeroes a block that holds nothing of value. Of a line that lies in it as a whole nothing is
    /// examined.
    ///
    /// # Safety
    /// The block is allocated, and nobody else uses it.
    pub unsafe fn zero(&self, block: *mut u8, length: usize) {
        let address = block.addr();
        let whole_start = address.next_multiple_of(self.line_bytes());
        let whole_end = (address + length) & !(self.line_bytes() - 1);
        if whole_start >= whole_end {
            // SAFETY: by contract; the pieces lie in the block.
            return self.write(address, length, false, |offset, length| unsafe {
                block.wrapping_add(offset).write_bytes(0, length);
            });
        }
        let edges = [(address, whole_start), (whole_end, address + length)];
        for (start, end) in edges {
            let edge = block.wrapping_add(start - address);
            // SAFETY: as above.
            self.write(start, end - start, false, |offset, length| unsafe {
                edge.wrapping_add(offset).write_bytes(0, length);
            });
        }
        let _change = self.change_in_progress();
        let whole = block.wrapping_add(whole_start - address);
        // SAFETY: by contract.
        unsafe { whole.write_bytes(0, whole_end - whole_start) };
        let first = whole_start - self.start.as_ptr().addr();
        self.reset_lines(first >> self.shift, (whole_end - whole_start) >> self.shift);
    }

    fn write_piece(&self, address: usize, length: usize, write: impl FnOnce()) {
        let Some(line) = self.line_of(address) else {
            return write();
        };
        let before = self.part(address, length);
        write();
        let change = before ^ self.part(address, length);
        self.stored(line).fetch_xor(change, Relaxed);
    }
}
