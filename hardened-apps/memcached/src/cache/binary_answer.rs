//! Answers of the binary protocol.

use asc_runtime::Output;

use crate::protocol::binary::{Operation, Request, ResponseHeader, Status};

/// Whether the request wants its key back.
pub(super) fn returns_key(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Get { with_key: true } | Operation::GetAndTouch { with_key: true }
    )
}

pub(super) fn success(request: &Request<'_>, cas: u64, body_length: usize) -> ResponseHeader {
    ResponseHeader {
        opcode: request.opcode,
        status: Status::Success,
        opaque: request.opaque,
        cas,
        extras_length: 0,
        key_length: 0,
        body_length: body_length as u32,
    }
}

pub(super) fn succeed(output: &mut Output, request: &Request<'_>, cas: u64) {
    output.write(&success(request, cas, 0).bytes());
}

pub(super) fn fail(output: &mut Output, request: &Request<'_>, status: Status) {
    write_failure(
        output,
        request.opcode,
        request.opaque,
        status,
        status.text(),
    );
}

pub(super) fn fail_because(output: &mut Output, request: &Request<'_>, text: &str) {
    write_failure(
        output,
        request.opcode,
        request.opaque,
        Status::OutOfMemory,
        text,
    );
}

pub(super) fn write_failure(
    output: &mut Output,
    opcode: u8,
    opaque: [u8; 4],
    status: Status,
    text: &str,
) {
    let header = ResponseHeader {
        opcode,
        status,
        opaque,
        cas: 0,
        extras_length: 0,
        key_length: 0,
        body_length: text.len() as u32,
    };
    output.write(&header.bytes());
    output.write(text.as_bytes());
}

/// A retrieval that returns the key does so on a miss too, in the place of a text.
pub(super) fn write_miss(output: &mut Output, request: &Request<'_>) {
    if !returns_key(request.operation) {
        fail(output, request, Status::KeyNotFound);
        return;
    }
    let header = ResponseHeader {
        status: Status::KeyNotFound,
        key_length: request.key.len() as u16,
        ..success(request, 0, request.key.len())
    };
    output.write(&header.bytes());
    output.write(request.key);
}
