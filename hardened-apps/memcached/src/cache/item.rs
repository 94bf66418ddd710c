//! One cached item.
//!
//! An item is one heap block that already is the reply to a `get`:
//!
//! ```text
//! VALUE <key> <flags> <length>\r\n<data>\r\nEND\r\n
//!       ^ KEY_OFFSET              ^ data_offset
//! ```
//!
//! so that a hit is one write to the output and a store is one allocation.

use crate::protocol::KEY_BYTES_MAX;
use crate::protocol::reply::END;

const PREFIX: &[u8] = b"VALUE ";
const KEY_OFFSET: usize = PREFIX.len();
const CRLF: &[u8] = b"\r\n";
/// Decimal digits of `u32::MAX`.
const U32_DIGITS_MAX: usize = 10;
/// Longest possible header: prefix, key, flags, length, two spaces, line end.
const HEADER_BYTES_MAX: usize = KEY_OFFSET + KEY_BYTES_MAX + 2 * (1 + U32_DIGITS_MAX) + CRLF.len();
const _: () = assert!(HEADER_BYTES_MAX <= u16::MAX as usize && KEY_BYTES_MAX <= u8::MAX as usize);

/// Stock memcached's item header, without and with a unique identifier.
const STOCK_HEADER_BYTES: usize = 48;
const STOCK_CAS_BYTES: usize = 8;

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
    /// What has happened to it: see [`marks`].
    pub(crate) marks: u8,
}

/// The parts of a new item. The data is `head`, `tail` and `end` in a row, and ends in CRLF.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) flags: u32,
    pub(crate) head: &'a [u8],
    pub(crate) tail: &'a [u8],
    pub(crate) end: &'a [u8],
}

/// What has happened to an item, one bit each.
pub(crate) mod marks {
    /// It was read.
    pub(crate) const FETCHED: u8 = 1;
    /// It was read again since it was stored or last moved.
    pub(crate) const ACTIVE: u8 = 2;
    /// It was marked as stale by a meta command.
    pub(crate) const STALE: u8 = 4;
    /// A client was told that it is the one to renew the item.
    pub(crate) const TOKEN_SENT: u8 = 8;
    /// Its key is base64 on the wire.
    pub(crate) const BINARY_KEY: u8 = 16;
}

impl Item {
    pub(crate) fn new(parts: &Parts<'_>, cas: u64, stored_at: u32, expires_at: u32) -> Self {
        let data_length = parts.head.len() + parts.tail.len() + parts.end.len() - CRLF.len();
        let mut header = [0; HEADER_BYTES_MAX];
        let data_offset = write_header(&mut header, parts.key, parts.flags, data_length);
        let length = data_offset + data_length + CRLF.len() + END.len();
        let mut block = Vec::with_capacity(length);
        block.extend_from_slice(&header[..data_offset]);
        if !parts.head.is_empty() {
            block.extend_from_slice(parts.head);
        }
        block.extend_from_slice(parts.tail);
        if !parts.end.is_empty() {
            block.extend_from_slice(parts.end);
        }
        block.extend_from_slice(END);
        Self {
            block: block.into_boxed_slice(),
            cas,
            stored_at,
            expires_at,
            flags: parts.flags,
            data_offset: data_offset as u16,
            key_length: parts.key.len() as u8,
            marks: 0,
        }
    }

    #[inline]
    pub(crate) fn key(&self) -> &[u8] {
        &self.block[KEY_OFFSET..KEY_OFFSET + usize::from(self.key_length)]
    }

    /// The data without the CRLF that ends it.
    pub(crate) fn data(&self) -> &[u8] {
        &self.block[usize::from(self.data_offset)..self.reply_length() - CRLF.len()]
    }

    /// The data without the CRLF that ends it. Its length cannot change.
    pub(crate) fn data_mut(&mut self) -> &mut [u8] {
        let end = self.reply_length() - CRLF.len();
        &mut self.block[usize::from(self.data_offset)..end]
    }

    /// The data with the CRLF that ends it.
    pub(crate) fn data_and_line_end(&self) -> &[u8] {
        &self.block[usize::from(self.data_offset)..self.reply_length()]
    }

    /// `VALUE <key> <flags> <length>\r\n<data>\r\n`.
    #[inline]
    pub(crate) fn reply(&self) -> &[u8] {
        &self.block[..self.reply_length()]
    }

    /// The same with `END\r\n`.
    #[inline]
    pub(crate) fn last_reply(&self) -> &[u8] {
        &self.block
    }

    /// Bytes of [`reply`](Self::reply); none without a block.
    #[inline]
    pub(crate) fn reply_length(&self) -> usize {
        self.block.len().saturating_sub(END.len())
    }

    /// `VALUE <key> <flags> <length>`, then `\r\n<data>\r\n`: `gets` puts a number in between.
    #[inline]
    pub(crate) fn reply_around_cas(&self) -> (&[u8], &[u8]) {
        self.reply()
            .split_at(usize::from(self.data_offset) - CRLF.len())
    }

    pub(crate) fn block_length(&self) -> usize {
        self.block.len()
    }

    /// Gives the block back to the heap. What is left has no key and no data.
    pub(crate) fn release_block(&mut self) {
        self.block = Box::default();
    }

    /// Whether the block was released.
    pub(crate) fn is_released(&self) -> bool {
        self.block.is_empty()
    }

    /// What memcached would count for it.
    #[inline]
    pub(crate) fn stock_bytes(&self, header_bytes: usize) -> usize {
        stock_bytes(
            usize::from(self.key_length),
            self.flags,
            self.reply_length() - usize::from(self.data_offset),
            header_bytes,
        )
    }
}

/// The item header of a stock memcached that does or does not keep unique identifiers.
pub(crate) fn stock_header_bytes(with_cas: bool) -> usize {
    STOCK_HEADER_BYTES + if with_cas { STOCK_CAS_BYTES } else { 0 }
}

/// What stock memcached counts for an item. The data has its CRLF.
#[inline]
pub(crate) fn stock_bytes(
    key_length: usize,
    flags: u32,
    data_and_line_end: usize,
    header_bytes: usize,
) -> usize {
    let flags_bytes = if flags == 0 { 0 } else { size_of::<u32>() };
    header_bytes + key_length + 1 + flags_bytes + data_and_line_end
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
                end: b"",
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
        assert_eq!(
            item.last_reply(),
            b"VALUE name 4294967295 4\r\nabcd\r\nEND\r\n"
        );
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
            end: b"",
        };
        let item = Item::new(&parts, 1, 0, 0);
        assert_eq!(item.key(), key);
        assert!(item.data().is_empty());
    }

    #[test]
    fn sizes_are_those_of_memcached() {
        let header = stock_header_bytes(true);
        assert_eq!(stock_bytes(3, 0, 4, header), 64);
        assert_eq!(stock_bytes(3, 1, 4, header), 68);
        assert_eq!(stock_bytes(3, 0, 4, stock_header_bytes(false)), 56);
        assert_eq!(
            item(b"ab", b"cd\r\n").stock_bytes(header),
            56 + 4 + 1 + 4 + 6
        );
    }
}
