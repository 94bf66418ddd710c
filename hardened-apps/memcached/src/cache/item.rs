//! One cached item.
//!
//! An item is one heap block that already is the reply to a `get`:
//!
//! ```text
//! VALUE <key> <flags> <length>\r\n<data>\r\n
//! ^ KEY_OFFSET                    ^ data_offset
//! ```
//!
//! so that a hit is one write to the output and a store is one allocation.

use crate::protocol::KEY_BYTES_MAX;

const PREFIX: &[u8] = b"VALUE ";
const KEY_OFFSET: usize = PREFIX.len();
const CRLF: &[u8] = b"\r\n";
/// Decimal digits of `u32::MAX`.
const U32_DIGITS_MAX: usize = 10;
/// Longest possible header: prefix, key, flags, length, two spaces, line end.
const HEADER_BYTES_MAX: usize = KEY_OFFSET + KEY_BYTES_MAX + 2 * (1 + U32_DIGITS_MAX) + CRLF.len();
const _: () = assert!(HEADER_BYTES_MAX <= u16::MAX as usize && KEY_BYTES_MAX <= u8::MAX as usize);

/// What stock memcached adds to key, data and flags when it compares an item with its size limit.
const STOCK_OVERHEAD_BYTES: usize = 56;

/// A cached item, without its place in the cache.
#[derive(Debug)]
pub(crate) struct Item {
    block: Box<[u8]>,
    /// Unique identifier, new with every change of the value.
    pub(crate) cas: u64,
    /// When it was stored, in seconds.
    pub(crate) stored_at: u32,
    /// From when on it is dead, in seconds; see [`super::expiry`].
    pub(crate) expires_at: u32,
    /// Opaque to us.
    pub(crate) flags: u32,
    data_offset: u16,
    key_length: u8,
    /// Whether anyone has read it.
    pub(crate) fetched: bool,
}

/// The parts of a new item. The data is `head` followed by `tail`; `tail` ends in CRLF.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) flags: u32,
    pub(crate) head: &'a [u8],
    pub(crate) tail: &'a [u8],
}

impl Item {
    pub(crate) fn new(parts: &Parts<'_>, cas: u64, stored_at: u32, expires_at: u32) -> Self {
        let data_length = parts.head.len() + parts.tail.len() - CRLF.len();
        let mut header = [0; HEADER_BYTES_MAX];
        let data_offset = write_header(&mut header, parts.key, parts.flags, data_length);
        let mut block = Vec::with_capacity(data_offset + data_length + CRLF.len());
        block.extend_from_slice(&header[..data_offset]);
        if !parts.head.is_empty() {
            block.extend_from_slice(parts.head);
        }
        block.extend_from_slice(parts.tail);
        Self {
            block: block.into_boxed_slice(),
            cas,
            stored_at,
            expires_at,
            flags: parts.flags,
            data_offset: data_offset as u16,
            key_length: parts.key.len() as u8,
            fetched: false,
        }
    }

    #[inline]
    pub(crate) fn key(&self) -> &[u8] {
        &self.block[KEY_OFFSET..KEY_OFFSET + usize::from(self.key_length)]
    }

    /// The data without the CRLF that ends it.
    pub(crate) fn data(&self) -> &[u8] {
        &self.block[usize::from(self.data_offset)..self.block.len() - CRLF.len()]
    }

    /// The data without the CRLF that ends it. Its length cannot change.
    pub(crate) fn data_mut(&mut self) -> &mut [u8] {
        let end = self.block.len() - CRLF.len();
        &mut self.block[usize::from(self.data_offset)..end]
    }

    /// The data with the CRLF that ends it.
    pub(crate) fn data_and_line_end(&self) -> &[u8] {
        &self.block[usize::from(self.data_offset)..]
    }

    /// `VALUE <key> <flags> <length>\r\n<data>\r\n`.
    #[inline]
    pub(crate) fn reply(&self) -> &[u8] {
        &self.block
    }

    /// `VALUE <key> <flags> <length>`, then `\r\n<data>\r\n`: `gets` puts a number in between.
    #[inline]
    pub(crate) fn reply_around_cas(&self) -> (&[u8], &[u8]) {
        self.block
            .split_at(usize::from(self.data_offset) - CRLF.len())
    }

    pub(crate) fn block_length(&self) -> usize {
        self.block.len()
    }

    /// Gives the block back to the heap. What is left has no key and no data.
    pub(crate) fn release_block(&mut self) {
        self.block = Box::default();
    }
}

/// Whether stock memcached would accept an item of this size under the limit `item_bytes_max`.
pub(crate) fn size_is_allowed(
    key_length: usize,
    flags: u32,
    data_length: usize,
    item_bytes_max: usize,
) -> bool {
    let flags_bytes = if flags == 0 { 0 } else { size_of::<u32>() };
    let terminators = 1 + CRLF.len();
    STOCK_OVERHEAD_BYTES + key_length + flags_bytes + data_length + terminators <= item_bytes_max
}

fn write_header(
    header: &mut [u8; HEADER_BYTES_MAX],
    key: &[u8],
    flags: u32,
    data_length: usize,
) -> usize {
    let mut end = 0;
    let mut append = |bytes: &[u8]| {
        header[end..end + bytes.len()].copy_from_slice(bytes);
        end += bytes.len();
    };
    let mut digits = itoa::Buffer::new();
    append(PREFIX);
    append(key);
    append(b" ");
    append(digits.format(flags).as_bytes());
    append(b" ");
    append(digits.format(data_length).as_bytes());
    append(CRLF);
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(head: &[u8], tail: &[u8]) -> Item {
        Item::new(
            &Parts {
                key: b"name",
                flags: 4_294_967_295,
                head,
                tail,
            },
            3,
            0,
            0,
        )
    }

    #[test]
    fn the_block_is_the_reply() {
        let item = item(b"ab", b"cd\r\n");
        assert_eq!(item.reply(), b"VALUE name 4294967295 4\r\nabcd\r\n");
        assert_eq!(item.key(), b"name");
        assert_eq!(item.data(), b"abcd");
        assert_eq!(item.data_and_line_end(), b"abcd\r\n");
        let (before, after) = item.reply_around_cas();
        assert_eq!(
            (before, after),
            (&b"VALUE name 4294967295 4"[..], &b"\r\nabcd\r\n"[..])
        );
    }

    #[test]
    fn the_longest_header_fits() {
        let key = [b'k'; KEY_BYTES_MAX];
        let parts = Parts {
            key: &key,
            flags: u32::MAX,
            head: b"",
            tail: b"\r\n",
        };
        let item = Item::new(&parts, 1, 0, 0);
        assert_eq!(item.key(), key);
        assert!(item.data().is_empty());
    }

    #[test]
    fn the_size_limit_is_that_of_memcached() {
        let limit = 1024 * 1024;
        assert!(size_is_allowed(1, 0, limit - 56 - 1 - 3, limit));
        assert!(!size_is_allowed(1, 0, limit - 56 - 1 - 2, limit));
        assert!(!size_is_allowed(1, 1, limit - 56 - 1 - 3, limit));
    }
}
