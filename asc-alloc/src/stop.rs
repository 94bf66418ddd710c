//! Ends the process when the allocator's records or a caller's request cannot be right.
//!
//! Formats on the stack and writes with one system call: the heap is what is in doubt.

use core::fmt::{self, Write as _};

/// Longest line, in bytes; what is longer is cut.
const LINE_BYTES_MAX: usize = 512;

/// Writes one line to standard error and aborts.
#[cold]
#[inline(never)]
pub(crate) fn stop(reason: fmt::Arguments<'_>) -> ! {
    say(format_args!("asc-alloc: stopped: {reason}"));
    std::process::abort()
}

/// Writes one line to standard error, in one piece.
pub(crate) fn say(text: fmt::Arguments<'_>) {
    let mut line = Line::new();
    // Writing into a `Line` cannot fail: it cuts.
    let _ = line.write_fmt(text);
    line.emit();
}

struct Line {
    bytes: [u8; LINE_BYTES_MAX],
    length: usize,
}

impl Line {
    const fn new() -> Self {
        Self {
            bytes: [0; LINE_BYTES_MAX],
            length: 0,
        }
    }

    fn emit(mut self) {
        self.bytes[self.length] = b'\n';
        let line = &self.bytes[..=self.length];
        // SAFETY: pointer and length are those of a live slice. A failed write cannot be reported.
        unsafe { libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len()) };
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = LINE_BYTES_MAX - 1 - self.length;
        let taken = text.floor_char_boundary(room);
        self.bytes[self.length..self.length + taken].copy_from_slice(&text.as_bytes()[..taken]);
        self.length += taken;
        Ok(())
    }
}
