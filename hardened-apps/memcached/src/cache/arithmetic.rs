//! `incr` and `decr`.

use asc_runtime::Output;

use super::disposition::Disposition;
use super::item::{Item, Parts};
use super::placement::KeyHash;
use super::shard::{Shard, answer_unless};
use super::slots::SlotId;
use crate::protocol::{Arithmetic, Direction, number, reply};

/// The digits of a `u64` and CRLF.
const NUMBER_LINE_BYTES_MAX: usize = 20 + 2;

/// A number in decimal digits, followed by CRLF.
#[derive(Debug)]
struct NumberLine {
    bytes: [u8; NUMBER_LINE_BYTES_MAX],
    digits: usize,
}

impl NumberLine {
    fn new(value: u64) -> Self {
        let mut buffer = itoa::Buffer::new();
        let text = buffer.format(value).as_bytes();
        let mut bytes = [0; NUMBER_LINE_BYTES_MAX];
        bytes[..text.len()].copy_from_slice(text);
        bytes[text.len()..text.len() + 2].copy_from_slice(b"\r\n");
        Self {
            bytes,
            digits: text.len(),
        }
    }

    fn digits(&self) -> &[u8] {
        &self.bytes[..self.digits]
    }

    fn line(&self) -> &[u8] {
        &self.bytes[..self.digits + 2]
    }
}

impl Shard {
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
        let Some(id) = self.find_live(now, hash, request.key) else {
            *self.arithmetic_counter(request.direction, false) += 1;
            answer_unless(request.noreply, output, reply::NOT_FOUND);
            return Disposition::Done;
        };
        let Some(value) = number::parse_u64(self.entries.item(id).data()) else {
            answer_unless(request.noreply, output, reply::NON_NUMERIC);
            return Disposition::Done;
        };
        *self.arithmetic_counter(request.direction, true) += 1;
        let line = NumberLine::new(match request.direction {
            Direction::Increment => value.wrapping_add(request.delta),
            Direction::Decrement => value.saturating_sub(request.delta),
        });
        self.write_number(now, hash, id, &line);
        answer_unless(request.noreply, output, line.line());
        Disposition::Done
    }

    /// In place when the digits fit, padded with spaces as memcached does.
    fn write_number(&mut self, now: u32, hash: KeyHash, id: SlotId, line: &NumberLine) {
        let digits = line.digits();
        let item = self.entries.item(id);
        if digits.len() > item.data().len() {
            let parts = Parts {
                key: item.key(),
                flags: item.flags,
                head: b"",
                tail: line.line(),
            };
            let item = Item::new(&parts, self.next_cas, now, item.expires_at);
            self.put(now, hash, Some(id), item);
            return;
        }
        let cas = self.take_cas();
        let item = self.entries.item_mut(id);
        item.cas = cas;
        let (number, padding) = item.data_mut().split_at_mut(digits.len());
        number.copy_from_slice(digits);
        padding.fill(b' ');
        self.entries.touch(id, now);
    }

    fn arithmetic_counter(&mut self, direction: Direction, hit: bool) -> &mut u64 {
        match (direction, hit) {
            (Direction::Increment, true) => &mut self.counters.incr_hits,
            (Direction::Increment, false) => &mut self.counters.incr_misses,
            (Direction::Decrement, true) => &mut self.counters.decr_hits,
            (Direction::Decrement, false) => &mut self.counters.decr_misses,
        }
    }
}
