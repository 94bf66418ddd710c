//! One request, from its first marker to its last.

use asc_runtime::{Input, Output};

use super::Target;
use super::markers::{asc_target_begin, asc_target_end, asc_target_replied, asc_target_sealed};

/// A reply as it was taken from the output, with the checksum that goes with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reply<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) checksum: u32,
}

/// Seals the request, has it handled and takes the reply.
///
/// Not inlined, so that every request passes the same instructions.
#[inline(never)]
pub(super) fn answer<'a, T: Target>(
    target: &mut T,
    index: usize,
    request: &[u8],
    output: &'a mut Output,
) -> Reply<'a> {
    asc_target_begin(index, request.as_ptr(), request.len());
    let input = Input::seal(request);
    asc_target_sealed();
    target.handle(&input, output);
    asc_target_replied();
    let reply = Reply {
        bytes: output.bytes(),
        checksum: output.checksum(),
    };
    asc_target_end(reply.bytes.as_ptr(), reply.bytes.len(), reply.checksum);
    reply
}
