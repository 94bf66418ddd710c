//! One line for standard error, formatted without the heap and written with one system call.
//!
//! The heap may be what is corrupt, and lines of several threads must not mix.

use core::ffi::{c_int, c_void};
use core::fmt;

#[allow(
    clashing_extern_declarations,
    reason = "elsewhere it is only jumped to"
)]
unsafe extern "C" {
    /// The C library's own `write`: `write` itself is refused inside handlers, where misuse is
    /// reported from.
    fn __real_write(file: c_int, bytes: *const c_void, length: usize) -> isize;
}

/// Longest line, in bytes; what is longer is cut.
const LINE_BYTES_MAX: usize = 2048;

/// A line under construction.
pub(crate) struct StderrLine {
    bytes: [u8; LINE_BYTES_MAX],
    length: usize,
}

impl StderrLine {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: [0; LINE_BYTES_MAX],
            length: 0,
        }
    }

    /// Writes `text` as the inside of a JSON string.
    pub(crate) fn json_text(&mut self, text: &str) -> fmt::Result {
        use fmt::Write as _;
        for character in text.chars() {
            match character {
                '"' | '\\' => write!(self, "\\{character}")?,
                control if control < ' ' => write!(self, "\\u{:04x}", control as u32)?,
                plain => self.write_char(plain)?,
            }
        }
        Ok(())
    }

    /// Ends the line and writes it to standard error.
    pub(crate) fn emit(mut self) {
        self.length = self.length.min(LINE_BYTES_MAX - 1);
        self.bytes[self.length] = b'\n';
        let line = &self.bytes[..=self.length];
        // SAFETY: the pointer and length are those of a live slice. A failed write cannot be
        // reported anywhere else.
        unsafe { __real_write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len()) };
    }
}

impl fmt::Write for StderrLine {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = LINE_BYTES_MAX - 1 - self.length;
        let taken = text.floor_char_boundary(room);
        self.bytes[self.length..self.length + taken].copy_from_slice(&text.as_bytes()[..taken]);
        self.length += taken;
        Ok(())
    }
}
