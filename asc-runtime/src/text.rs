//! Text of a fixed capacity, formatted without the heap and written with one system call.
//!
//! The heap may be what is corrupt, and lines of several threads must not mix.

use core::ffi::c_int;
#[cfg(asc)]
use core::ffi::c_void;
use core::fmt;

/// Longest line, in bytes; what is longer is cut.
pub(crate) const LINE_BYTES_MAX: usize = 3072;

#[cfg(asc)]
unsafe extern "C" {
    /// The C library's own `write`: `write` itself is refused inside handlers, where misuse is
    /// reported from.
    fn __real_write(file: c_int, bytes: *const c_void, length: usize) -> isize;
}
#[cfg(asc)]
use __real_write as write;
#[cfg(not(asc))]
use libc::write;

/// A line for standard error or a file.
pub(crate) type Line = Text<LINE_BYTES_MAX>;

/// Up to `BYTES` bytes of text; what is longer is cut between two characters.
#[derive(Clone, Copy)]
pub(crate) struct Text<const BYTES: usize> {
    bytes: [u8; BYTES],
    length: usize,
}

impl<const BYTES: usize> Text<BYTES> {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: [0; BYTES],
            length: 0,
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        // Only whole characters are ever taken; anything else was struck, and is left out.
        core::str::from_utf8(&self.bytes[..self.length.min(BYTES)]).unwrap_or_default()
    }

    /// Writes the text and a line's end to a file, in one piece.
    pub(crate) fn write_line(&self, file: c_int) {
        let mut line = [b'\n'; LINE_BYTES_MAX];
        let length = self.length.min(BYTES).min(LINE_BYTES_MAX - 1);
        line[..length].copy_from_slice(&self.bytes[..length]);
        // SAFETY: the pointer and length are those of a live array. A failed write cannot be
        // reported anywhere else.
        unsafe { write(file, line.as_ptr().cast(), length + 1) };
    }
}

impl<const BYTES: usize> fmt::Write for Text<BYTES> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = BYTES - self.length;
        let taken = text.floor_char_boundary(room);
        self.bytes[self.length..self.length + taken].copy_from_slice(&text.as_bytes()[..taken]);
        self.length += taken;
        Ok(())
    }
}

impl<const BYTES: usize> fmt::Debug for Text<BYTES> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(formatter)
    }
}

/// Writes `text` as the inside of a JSON string.
pub(crate) fn write_json(output: &mut dyn fmt::Write, text: &str) -> fmt::Result {
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(output, "\\{character}")?,
            control if control < ' ' => write!(output, "\\u{:04x}", control as u32)?,
            plain => output.write_char(plain)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use fmt::Write as _;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_is_cut_between_characters(parts in prop::collection::vec(".{0,9}", 0..6)) {
            let mut text = Text::<16>::new();
            for part in &parts {
                text.write_str(part).expect("a text is cut and never fails");
            }
            let whole = parts.concat();
            prop_assert!(text.as_str().len() <= 16);
            if whole.len() <= 16 {
                prop_assert_eq!(text.as_str(), whole);
            }
        }

        #[test]
        fn json_text_is_read_back(text in ".{0,40}") {
            let mut json = String::from("\"");
            write_json(&mut json, &text).expect("a string takes everything");
            json.push('"');
            prop_assert_eq!(serde_json::from_str::<String>(&json).expect("valid JSON"), text);
        }
    }
}
