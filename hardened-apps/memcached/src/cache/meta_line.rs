//! The first line of a reply to a meta command.
//!
//! It is put together aside and written once: what a flag finds wrong must replace it.

use asc_runtime::Output;

use super::expiry;
use super::item::{Item, marks};
use crate::protocol::base64::{self, ENCODED_BYTES_MAX};
use crate::protocol::meta::{Key, OPAQUE_BYTES_MAX};
use crate::protocol::reply;

/// Every flag is returned once: a key, an opaque, a dozen numbers.
const BYTES_MAX: usize = 1024;
const NUMBER_BYTES_MAX: usize = 20;
const _: () =
    assert!(ENCODED_BYTES_MAX + 4 + OPAQUE_BYTES_MAX + 1 + 16 * (NUMBER_BYTES_MAX + 2) < BYTES_MAX);

/// A line under construction.
#[derive(Debug)]
pub(super) struct MetaLine {
    bytes: [u8; BYTES_MAX],
    length: usize,
}

impl MetaLine {
    /// A line that begins with a status.
    pub(super) fn new(status: &[u8]) -> Self {
        let mut line = Self {
            bytes: [0; BYTES_MAX],
            length: 0,
        };
        line.append(status);
        line
    }

    /// The status that a value follows: `VA <length>`.
    pub(super) fn value(length: usize) -> Self {
        let mut line = Self::new(b"VA ");
        line.number(length);
        line
    }

    pub(super) fn flag(&mut self, letter: u8) {
        self.append(&[b' ', letter]);
    }

    pub(super) fn flag_with(&mut self, letter: u8, number: impl itoa::Integer) {
        self.flag(letter);
        self.number(number);
    }

    /// The remaining time; an item that is over is shown as memcached shows it, unsigned.
    pub(super) fn seconds_left(&mut self, item: &Item, now: u32) {
        match expiry::seconds_left(item.expires_at, now) {
            -1 if item.expires_at == expiry::NEVER => self.flag_with(b't', -1),
            left => self.flag_with(b't', left as u32),
        }
    }

    /// Returns an opaque as it came.
    pub(super) fn opaque(&mut self, word: &[u8]) -> Result<(), &'static [u8]> {
        if word.len() > OPAQUE_BYTES_MAX {
            return Err(reply::META_OPAQUE_TOO_LONG);
        }
        self.append(b" ");
        self.append(word);
        Ok(())
    }

    /// Returns the key of a request.
    pub(super) fn key(&mut self, key: &Key<'_>) {
        self.key_bytes(key.bytes(), key.is_binary());
    }

    /// Returns the key of an item.
    pub(super) fn key_of(&mut self, item: &Item) {
        self.key_bytes(item.key(), item.marks & marks::BINARY_KEY != 0);
    }

    pub(super) fn write(&self, output: &mut Output) {
        output.write(&self.bytes[..self.length]);
    }

    /// Ends the line and writes it.
    pub(super) fn finish(mut self, output: &mut Output) {
        self.append(b"\r\n");
        self.write(output);
    }

    pub(super) fn append(&mut self, text: &[u8]) {
        let end = self.length + text.len();
        self.bytes[self.length..end].copy_from_slice(text);
        self.length = end;
    }

    fn number(&mut self, number: impl itoa::Integer) {
        self.append(itoa::Buffer::new().format(number).as_bytes());
    }

    fn key_bytes(&mut self, key: &[u8], binary: bool) {
        self.append(b" k");
        if binary {
            let mut word = [0; ENCODED_BYTES_MAX];
            let length = base64::encode(key, &mut word);
            self.append(&word[..length]);
            self.append(b" b");
        } else {
            self.append(key);
        }
    }
}
