//! Received bytes that were not executed yet.

use std::ops::Range;

/// Room for small requests.
const BYTES_INITIAL: usize = 16 * 1024;
/// A buffer that had to grow beyond this is given up when it is empty.
const BYTES_KEPT_MAX: usize = 64 * 1024;

/// A contiguous buffer that is filled at its end and consumed at its beginning.
#[derive(Debug)]
pub(super) struct InputBuffer {
    bytes: Vec<u8>,
    filled: Range<usize>,
}

impl InputBuffer {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; BYTES_INITIAL],
            filled: 0..0,
        }
    }

    /// What was received and not consumed.
    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.filled.clone()]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.filled.is_empty()
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.filled.start += count;
        assert!(
            self.filled.start <= self.filled.end,
            "only what was received can be consumed"
        );
        if self.filled.is_empty() {
            self.filled = 0..0;
        }
    }

    /// Room to receive into. It grows towards `needed` unread bytes, or beyond, with what was
    /// received: whoever announces much and sends little gets little.
    pub(super) fn room(&mut self, needed: usize) -> &mut [u8] {
        let lacks_room = self.filled.start + needed > self.bytes.len();
        if lacks_room || self.filled.end == self.bytes.len() {
            self.bytes.copy_within(self.filled.clone(), 0);
            self.filled = 0..self.filled.len();
        }
        if self.filled.end == self.bytes.len() {
            let doubled = 2 * self.bytes.len();
            let length = if needed > self.bytes.len() {
                needed.min(doubled)
            } else {
                doubled
            };
            self.bytes.resize(length, 0);
        }
        &mut self.bytes[self.filled.end..]
    }

    /// `count` bytes were received into the room.
    pub(super) fn fill(&mut self, count: usize) {
        self.filled.end += count;
        assert!(
            self.filled.end <= self.bytes.len(),
            "only the room can be filled"
        );
    }

    /// Whether it grew beyond what is worth keeping.
    pub(super) fn is_oversized(&self) -> bool {
        self.bytes.len() > BYTES_KEPT_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(buffer: &mut InputBuffer, needed: usize, bytes: &[u8]) {
        buffer.room(needed)[..bytes.len()].copy_from_slice(bytes);
        buffer.fill(bytes.len());
    }

    #[test]
    fn bytes_come_out_in_order() {
        let mut buffer = InputBuffer::new();
        receive(&mut buffer, 1, b"abc");
        buffer.consume(1);
        receive(&mut buffer, 3, b"de");
        assert_eq!(buffer.unread(), b"bcde");
        buffer.consume(4);
        assert!(buffer.is_empty());
        assert_eq!(buffer.room(1).len(), BYTES_INITIAL);
    }

    #[test]
    fn a_large_request_gets_exactly_its_room_in_steps() {
        let mut buffer = InputBuffer::new();
        receive(&mut buffer, 1, &[b'x'; BYTES_INITIAL - 1]);
        buffer.consume(BYTES_INITIAL - 3);
        let mut rooms = Vec::new();
        while buffer.unread().len() < 100_000 {
            let room = buffer.room(100_000).len();
            buffer.fill(room);
            rooms.push(room);
        }
        let doublings = [BYTES_INITIAL - 2, BYTES_INITIAL, 2 * BYTES_INITIAL];
        assert_eq!(
            rooms,
            [&doublings[..], &[100_000 - 4 * BYTES_INITIAL]].concat()
        );
        assert!(buffer.unread().starts_with(b"xx"));
        assert!(buffer.is_oversized());
    }

    #[test]
    fn there_is_always_room() {
        let mut buffer = InputBuffer::new();
        for _ in 0..10 {
            let room = buffer.room(0).len();
            assert!(room > 0);
            buffer.fill(room);
        }
        assert_eq!(buffer.unread().len(), BYTES_INITIAL << 9);
    }
}
