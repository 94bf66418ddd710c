//! Messages into a blocking writer.

use std::io::{self, IoSlice, Write};

use crate::message::Message;

/// Writes a message, header first, under the producer's checksums. Does not flush.
///
/// # Errors
/// The stream's own. [`Corrupted`](crate::Corrupted) inside an
/// [`InvalidData`](io::ErrorKind::InvalidData) error if the message was damaged in memory: then
/// nothing is written.
pub fn write_message<W: Write + ?Sized>(stream: &mut W, message: &Message) -> io::Result<()> {
    let payload = message.verified_bytes()?;
    let header = message.encoded_header();
    write_both(stream, &header, payload)
}

/// In one system call where the stream can.
fn write_both<W: Write + ?Sized>(
    stream: &mut W,
    mut header: &[u8],
    mut payload: &[u8],
) -> io::Result<()> {
    while !header.is_empty() {
        match stream.write_vectored(&[IoSlice::new(header), IoSlice::new(payload)]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                let of_header = written.min(header.len());
                header = &header[of_header..];
                payload = &payload[written - of_header..];
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    stream.write_all(payload)
}
