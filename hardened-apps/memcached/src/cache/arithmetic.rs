//! `incr` and `decr`, in every protocol.

use asc_runtime::Output;

use super::disposition::Disposition;
use super::item::{Item, Parts};
use super::placement::KeyHash;
use super::shard::{Shard, answer_unless};
use super::slots::SlotId;
use super::storage::Outcome;
use crate::protocol::{Arithmetic, Direction, number, reply};

/// The digits of a `u64` and CRLF.
const NUMBER_LINE_BYTES_MAX: usize = 20 + 2;

/// Why a number was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unchanged {
    NotFound,
    /// It has another unique identifier.
    Different,
    NonNumeric,
    NoMemory,
    /// The flags would no longer be its checksum.
    BadChecksum,
}

/// A change of a number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delta<'a> {
    pub(super) key: &'a [u8],
    pub(super) direction: Direction,
    pub(super) delta: u64,
    /// Only the item with this unique identifier, unless it is 0.
    pub(super) only: u64,
}

/// A number in decimal digits, followed by CRLF.
#[derive(Debug)]
pub(super) struct NumberLine {
    bytes: [u8; NUMBER_LINE_BYTES_MAX],
    digits: usize,
    pub(super) value: u64,
}

impl NumberLine {
    pub(super) fn new(value: u64) -> Self {
        let mut buffer = itoa::Buffer::new();
        let text = buffer.format(value).as_bytes();
        let mut bytes = [0; NUMBER_LINE_BYTES_MAX];
        bytes[..text.len()].copy_from_slice(text);
        bytes[text.len()..text.len() + 2].copy_from_slice(b"\r\n");
        Self {
            bytes,
            digits: text.len(),
            value,
        }
    }

    pub(super) fn digits(&self) -> &[u8] {
        &self.bytes[..self.digits]
    }

    pub(super) fn line(&self) -> &[u8] {
        &self.bytes[..self.digits + 2]
    }
}

impl Shard {
    #[inline(never)]
    pub(super) fn arithmetic(
        &mut self,
        now: u32,
        request: &Arithmetic<'_>,
        output: &mut Output,
    ) -> Disposition {
        let hash = match self.locate(request.key, 0) {
            Ok(hash) => hash,
            Err(elsewhere) => return elsewhere,
        };
        let delta = Delta {
            key: request.key,
            direction: request.direction,
            delta: request.delta,
            only: 0,
        };
        match self.add_delta(now, hash, &delta) {
            Ok((_, number)) => answer_unless(request.noreply, output, number.line()),
            Err(Unchanged::NotFound) => {
                self.count_arithmetic_miss(request.direction);
                answer_unless(request.noreply, output, reply::NOT_FOUND);
            }
            Err(Unchanged::NonNumeric) => {
                answer_unless(request.noreply, output, reply::NON_NUMERIC);
            }
            Err(Unchanged::BadChecksum) => {
                answer_unless(request.noreply, output, reply::BAD_CHECKSUM);
            }
            Err(Unchanged::Different | Unchanged::NoMemory) => {
                answer_unless(request.noreply, output, reply::NO_MEMORY_INCREMENTING);
            }
        }
        Disposition::Done
    }

    /// Changes a number; returns where it is and what it has become.
    pub(super) fn add_delta(
        &mut self,
        now: u32,
        hash: KeyHash,
        request: &Delta<'_>,
    ) -> Result<(SlotId, NumberLine), Unchanged> {
        if self.settings.checksums {
            return Err(Unchanged::BadChecksum);
        }
        let id = self
            .find_live(now, hash, request.key)
            .ok_or(Unchanged::NotFound)?;
        let item = self.entries.item(id);
        if item.data().is_empty() {
            return Err(Unchanged::NonNumeric);
        }
        if request.only != 0 && request.only != self.visible_cas(item) {
            return Err(Unchanged::Different);
        }
        let value = number::parse_u64(item.data()).ok_or(Unchanged::NonNumeric)?;
        let number = NumberLine::new(match request.direction {
            Direction::Increment => value.wrapping_add(request.delta),
            Direction::Decrement => value.saturating_sub(request.delta),
        });
        match request.direction {
            Direction::Increment => self.counters.incr_hits += 1,
            Direction::Decrement => self.counters.decr_hits += 1,
        }
        self.write_number(now, hash, id, &number)?;
        Ok((id, number))
    }

    pub(super) fn count_arithmetic_miss(&mut self, direction: Direction) {
        match direction {
            Direction::Increment => self.counters.incr_misses += 1,
            Direction::Decrement => self.counters.decr_misses += 1,
        }
    }

    /// In place when the digits fit, padded with spaces as memcached does.
    fn write_number(
        &mut self,
        now: u32,
        hash: KeyHash,
        id: SlotId,
        number: &NumberLine,
    ) -> Result<(), Unchanged> {
        let digits = number.digits();
        let item = self.entries.item(id);
        if digits.len() > item.data().len() {
            let parts = Parts {
                key: item.key(),
                flags: item.flags,
                head: b"",
                tail: number.line(),
                end: b"",
            };
            let item = Item::new(&parts, self.next_cas, now, item.expires_at);
            return match self.put(now, hash, Some(id), item) {
                Outcome::Stored => Ok(()),
                _ => Err(Unchanged::NoMemory),
            };
        }
        let cas = self.take_cas();
        let item = self.entries.item_mut(id);
        item.cas = cas;
        let (value, padding) = item.data_mut().split_at_mut(digits.len());
        value.copy_from_slice(digits);
        padding.fill(b' ');
        self.entries.note_change(id, now);
        Ok(())
    }
}
