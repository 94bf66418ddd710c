//! What a target and the injector agree on.
//!
//! A target gets descriptors with fixed numbers and a fixed environment. It says everything
//! through [`MESSAGES`], a file in memory that it can only append to by a system call: what was
//! said stays said, whatever a wild store does afterwards.
//!
//! 1. The target reads a nonce and the trace from [`TRACE`].
//! 2. For each request it appends a record: a [`RecordHead`] and the reply's bytes.
//! 3. Behind the last it appends [`SERVED`] and says [`LAST_SCRUB`] on standard error. Then it has all of its
//!    protected memory verified.
//! 4. It appends [`FINISHED`] with the digest of its state and the nonce, and exits with status 0.

/// Where the target finds the nonce (8 bytes) and the trace.
pub const TRACE: i32 = 3;
/// Where the target appends its records.
pub const MESSAGES: i32 = 4;
/// The target's own program file.
pub const PROGRAM: i32 = 5;

/// The argument with which the injector starts a target.
pub const SERVE: &str = "serve";
/// The argument with which it asks for a synthetic trace, followed by seed and count.
pub const GENERATE: &str = "generate";
/// The argument with which it has recorded bytes cut into requests.
pub const FRAME: &str = "frame";

/// Record number of the end of all requests.
pub const SERVED: u32 = 0xFFFF_FFFE;
/// Record number of the digest; its bytes are digest and nonce, 8 bytes each.
pub const FINISHED: u32 = 0xFFFF_FFFF;

/// A line between what handlers and their line codes have reported and what is found only because all
/// memory is verified once more behind the last request.
pub const LAST_SCRUB: &str = "asc-target: last scrub";

/// The sixth argument of `clone` that a confined target may call: the injector alone passes it.
pub const CLONE_PASSWORD: u64 = 0x6A73_C5D1_9E0B_47F3;

/// The first marker: (index of the request, its address, its length).
pub const MARKER_BEGIN: &str = "asc_target_begin";
/// Behind the seal of the request.
pub const MARKER_SEALED: &str = "asc_target_sealed";
/// Behind the handler.
pub const MARKER_REPLIED: &str = "asc_target_replied";
/// The last marker: (address of the reply, its length, its checksum).
pub const MARKER_END: &str = "asc_target_end";
/// A `syscall` instruction that nobody executes but the injector's copies.
pub const GATE_SYSCALL: &str = "asc_target_syscall";

/// What stands before a record's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordHead {
    /// Index of the request, or [`SERVED`], or [`FINISHED`].
    pub index: u32,
    /// Bytes that follow.
    pub length: u32,
    /// Their CRC32C, as the reply was sealed with it.
    pub checksum: u32,
}

impl RecordHead {
    /// Bytes of a head.
    pub const BYTES: usize = 16;
    const MAGIC: u32 = 0x4347_534D;

    /// The head as it is written.
    pub fn encode(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let words = [Self::MAGIC, self.index, self.length, self.checksum];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Reads a head; `None` if there is none.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (words, _) = bytes.get(..Self::BYTES)?.as_chunks::<4>();
        let [magic, index, length, checksum] = [0, 1, 2, 3].map(|at| u32::from_le_bytes(words[at]));
        (magic == Self::MAGIC).then_some(Self {
            index,
            length,
            checksum,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_written() {
        let head = RecordHead {
            index: 7,
            length: 1 << 20,
            checksum: 0xE306_9283,
        };
        assert_eq!(RecordHead::decode(&head.encode()), Some(head));
        assert_eq!(RecordHead::decode(&head.encode()[1..]), None);
        assert_eq!(RecordHead::decode(&[0; 16]), None);
    }
}
