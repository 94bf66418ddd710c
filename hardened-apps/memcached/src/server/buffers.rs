//! Buffers that connections borrow while they are busy.
//!
//! Idle connections have none, and the busy ones of a worker use the same few in turn, which stay
//! in the processor's cache.

use asc_runtime::Output;

use super::input_buffer::InputBuffer;

/// Pairs of buffers that a worker keeps for its connections.
const SPARE_MAX: usize = 16;
/// An output that had to grow beyond this is given up when it was sent. More than is gathered before
/// sending, because making a new one each time costs more than all the rest: in hardened builds it is a
/// mapping of its own.
const OUTPUT_BYTES_KEPT_MAX: usize = 256 * 1024;

/// What a connection needs to be served.
#[derive(Debug)]
pub(super) struct Buffers {
    pub(super) input: InputBuffer,
    pub(super) output: Output,
    /// Bytes of the output, as of the last [`Self::note_output`]: asking it costs the check of its seal.
    said: usize,
    /// Bytes of the output that were sent.
    pub(super) sent: usize,
    /// Most bytes that the output has held.
    output_bytes_max: usize,
}

impl Buffers {
    fn new() -> Self {
        Self {
            input: InputBuffer::new(),
            output: Output::new(),
            said: 0,
            sent: 0,
            output_bytes_max: 0,
        }
    }

    /// Something may have been written to the output.
    pub(super) fn note_output(&mut self) {
        self.said = self.output.bytes().len();
    }

    /// Bytes of the output.
    pub(super) fn said(&self) -> usize {
        self.said
    }

    /// Whether bytes of the output are still to be sent.
    pub(super) fn has_unsent(&self) -> bool {
        self.sent < self.said
    }

    /// Bytes of the output that are still to be sent.
    pub(super) fn unsent(&self) -> &[u8] {
        &self.output.bytes()[self.sent..]
    }

    /// All of the output was sent.
    pub(super) fn clear_output(&mut self) {
        self.output_bytes_max = self.output_bytes_max.max(self.sent);
        self.output.clear();
        (self.said, self.sent) = (0, 0);
    }

    fn is_idle(&self) -> bool {
        self.input.is_empty() && self.said == 0
    }

    fn is_oversized(&self) -> bool {
        self.input.is_oversized() || self.output_bytes_max > OUTPUT_BYTES_KEPT_MAX
    }
}

/// Buffers that no connection is using.
#[derive(Debug, Default)]
pub(super) struct BufferPool {
    #[allow(clippy::vec_box, reason = "they move twice per turn")]
    spare: Vec<Box<Buffers>>,
}

impl BufferPool {
    /// The pair used last, or a new one.
    pub(super) fn take(&mut self) -> Box<Buffers> {
        self.spare.pop().unwrap_or_else(|| Box::new(Buffers::new()))
    }

    /// Takes the buffers back if there is nothing in them, else returns them.
    pub(super) fn put_back(&mut self, buffers: Box<Buffers>) -> Option<Box<Buffers>> {
        if !buffers.is_idle() {
            return Some(buffers);
        }
        if self.spare.len() < SPARE_MAX && !buffers.is_oversized() {
            self.spare.push(buffers);
        }
        None
    }
}
