//! Checksums of items, from the client that stores to the client that reads (`--verify-checksums`).
//!
//! By convention the client flags of an item are a checksum of its key and its value, which the
//! storing client computes and every reading client can compare: [`of`]. That needs nothing of the
//! server. A server that is told so compares as well: it refuses to store what does not match, and what no
//! longer matches when it is read is removed and counts as a miss.

use super::placement::KeyHash;
use super::shard::Shard;
use super::slots::SlotId;
use super::storage::Change;
use crate::protocol::StoreMode;

/// The checksum of an item: the CRC32C of the key, exclusive or that of the value.
///
/// ```
/// use asc_memcached::cache::item_checksum;
///
/// assert_eq!(item_checksum::of(b"", b"123456789"), 0xE306_9283);
/// assert_eq!(item_checksum::of(b"123456789", b"123456789"), 0);
/// ```
pub fn of(key: &[u8], value: &[u8]) -> u32 {
    asc_runtime::crc32c(key) ^ asc_runtime::crc32c(value)
}

impl Shard {
    /// Whether a change leaves the item with the right checksum. One that joins values does not:
    /// nobody has computed that of the whole.
    #[inline]
    pub(super) fn accepts_checksum(&self, change: &Change<'_>) -> bool {
        !self.settings.checksums || is_sealed(change)
    }

    /// The flags of an empty item that the server makes by itself.
    pub(super) fn flags_of_empty(&self, key: &[u8]) -> u32 {
        if self.settings.checksums {
            of(key, b"")
        } else {
            0
        }
    }

    /// The slot of a live item whose value may be told. A dead one, or one that has changed since it was
    /// stored, is removed on the way.
    #[inline]
    pub(super) fn find_readable(&mut self, now: u32, hash: KeyHash, key: &[u8]) -> Option<SlotId> {
        let id = self.find_live(now, hash, key)?;
        if self.settings.checksums && !self.is_sound(id) {
            self.counters.checksum_failures += 1;
            self.entries.remove(id);
            return None;
        }
        Some(id)
    }

    #[inline(never)]
    fn is_sound(&self, id: SlotId) -> bool {
        let item = self.entries.item(id);
        item.flags == of(item.key(), item.data())
    }
}

#[inline(never)]
fn is_sealed(change: &Change<'_>) -> bool {
    let value = change
        .data
        .strip_suffix(b"\r\n")
        .filter(|_| change.end.is_empty());
    !matches!(change.mode, StoreMode::Append | StoreMode::Prepend)
        && change.flags == of(change.key, value.unwrap_or(change.data))
}

#[cfg(test)]
mod tests {
    use asc_runtime::{Input, Output};

    use super::super::placement::{KeyHasher, Placement};
    use super::super::shard::ShardLimits;
    use super::*;

    const NOW: u32 = 1_700_000_000;

    fn shard() -> Shard {
        let limits = ShardLimits {
            checksums: true,
            ..ShardLimits::default()
        };
        Shard::new(limits, Placement::sole(KeyHasher::with_seed(3)))
    }

    #[track_caller]
    fn ask(shard: &mut Shard, request: &str, expected: &str) {
        let mut output = Output::new();
        shard.handle(NOW, &Input::seal(request.as_bytes()), &mut output);
        let reply = String::from_utf8_lossy(output.bytes());
        assert_eq!(reply, expected, "{request}");
    }

    const REFUSED: &str = "CLIENT_ERROR bad checksum\r\n";

    #[test]
    fn only_what_matches_is_stored() {
        let mut shard = shard();
        let right = of(b"key", b"value");
        let wrong = right ^ 1;
        for (request, expected) in [
            (format!("ms key 5 F{right}\r\nvalue\r\n"), "HD\r\n"),
            (format!("ms key 5 F{wrong}\r\nvalue\r\n"), REFUSED),
            (format!("ms key 5 F{right}\r\nvaluf\r\n"), REFUSED),
            (format!("ms kez 5 F{right}\r\nvalue\r\n"), REFUSED),
            (format!("set key {right} 0 5\r\nvalue\r\n"), "STORED\r\n"),
            (format!("set key {wrong} 0 5\r\nvalue\r\n"), REFUSED),
            (format!("append key {right} 0 1\r\nx\r\n"), REFUSED),
            (format!("ms key 1 MA F{right}\r\nx\r\n"), REFUSED),
            ("incr key 1\r\n".into(), REFUSED),
            ("ma key\r\n".into(), REFUSED),
        ] {
            ask(&mut shard, &request, expected);
        }
        let expected = format!("VA 5 f{right}\r\nvalue\r\n");
        ask(&mut shard, "mg key v f\r\n", &expected);
        ask(
            &mut shard,
            "get key\r\n",
            &format!("VALUE key {right} 5\r\nvalue\r\nEND\r\n"),
        );
        assert_eq!(shard.counters().checksum_failures, 0);
    }

    #[test]
    fn what_has_changed_since_is_a_miss() {
        for (request, miss) in [
            ("get key\r\n", "END\r\n"),
            ("gats 0 key\r\n", "END\r\n"),
            ("mg key v\r\n", "EN\r\n"),
        ] {
            for bit in 0..8 {
                let mut shard = shard();
                let flags = of(b"key", b"value");
                let store = format!("set key {flags} 0 5\r\nvalue\r\n");
                ask(&mut shard, &store, "STORED\r\n");
                let id = shard.entries.occupied(0).expect("an item");
                shard.entries.item_mut(id).data_mut()[2] ^= 1 << bit;
                ask(&mut shard, request, miss);
                assert_eq!(shard.counters().checksum_failures, 1);
                assert_eq!(shard.usage().items, 0);
            }
        }
    }

    #[test]
    fn an_item_that_a_reader_creates_is_sealed() {
        let mut shard = shard();
        ask(&mut shard, "mg key N30 v\r\n", "VA 0 W\r\n\r\n");
        ask(&mut shard, "mg key v\r\n", "VA 0 Z\r\n\r\n");
        assert_eq!(shard.counters().checksum_failures, 0);
    }
}
